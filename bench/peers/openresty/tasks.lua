-- Runs in a request: /OPERATION/NUMBER/NUMBER. What measures is on the other
-- side of it, so marks are none, and the answer is the body.
-- luacheck: globals ngx

package.loaded["bench.lib.mark"] = function() end
local run = require "bench.peers.lua.tasks"

local peer = {
  spawn = ngx.thread.spawn, yield = coroutine.yield, sleep = ngx.sleep,
  clock = ngx.now,
}

function peer.quit()
end

local words = {}
for word in ngx.var.uri:gmatch("[^/]+") do
  words[#words + 1] = word
end
-- What the rows print is the answer.
function _G.print(line)
  ngx.say(line)
end
run(peer, words)
