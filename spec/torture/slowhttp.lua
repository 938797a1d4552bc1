-- The attacks of slowhttptest: heads that never end, bodies that never end,
-- answers that are taken a few bytes at a time, by a thousand connections each,
-- while one client asks as others do.
--
--   ./dev torture slowhttp [CONNECTIONS [SECONDS]]

package.path = "?.lua;" .. package.path

local ml = require "miniloop"
local process = require "spec.torture.lib.process"
local verdict = require "spec.torture.lib.verdict"
local visit = require "spec.torture.lib.visitor"
local words = require "spec.torture.lib.words"

local PATIENCE = 45 -- seconds in which those who send slowly are cut
local LIMIT = 100 -- milliseconds that the other client may have to wait, p99
local connections = words.count(arg[1], "CONNECTIONS", 1000)
local seconds = words.count(arg[2], "SECONDS", PATIENCE)

local attacks = {
  { "slow heads", "-H -i 5 -x 24", "/" },
  { "slow bodies", "-B -i 5 -s 65536 -x 24", "/" },
  { "slow readers", "-X -w 512 -y 1024 -n 5 -z 32 -k 3", "/large" },
}

local enough = ("ulimit -n %d"):format(connections + 200)
local server <close> = process.start(
  process.miniloop .. " spec/torture/slow_server.lua", enough)
local address = server:line()

-- Runs it, while the visitor asks; what slowhttptest said at its end.
local function attack(options, path)
  local command = ("slowhttptest %s -c %d -r %d -l %d -u http://%s%s -v 1 2>&1"
    .. " </dev/null | sed -e 's/\\x1b[^mHJK]*[mHJK]//g'"):format(options,
    connections, connections // 10, seconds, address, path)
  local attacker <close> = process.start("sh -c '" ..
    command:gsub("'", "'\\''") .. "'", enough)
  local stop = ml.now() + seconds
  local times = visit(address, function()
    return ml.now() >= stop
  end)
  return times, attacker.pipe:read("a")
end

-- The last count of connections in this state that slowhttptest printed.
local function last_of(text, state)
  return text:match(".*" .. state .. ":%s+(%d+)") or "?"
end

for _, kind in ipairs(attacks) do
  local name, options, path = table.unpack(kind)
  local times, text = attack(options, path)
  local closed = last_of(text, "closed")
  print(("%s: %s connections stand, %s were closed, %s failed"):format(name,
    last_of(text, "connected"), closed, last_of(text, "error")))
  if path == "/" and seconds >= PATIENCE then
    verdict.holds(closed == tostring(connections)
      or text:find "No open connections left", "all were cut")
  end
  verdict.times("a normal client waited", times, LIMIT)
end
verdict.finish()
