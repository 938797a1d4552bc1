-- A server of which accept fails for want of something, for three seconds: it
-- must not spin meanwhile, and go on within a second when there is room again.
--
--   ./dev torture accept

package.path = "?.lua;" .. package.path

local fault = require "fault"
local ml = require "miniloop"
local net = require "miniloop.net"
local verdict = require "spec.torture.lib.verdict"

local server = assert(net.serve("127.0.0.1:0", function(conn)
  conn:write "hello"
end))

for _, code in ipairs { "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM" } do
  fault.arm("accept4", 1, 0, code)
  local near = {}
  for i = 1, 10 do
    near[i] = assert(net.connect(server:address()))
  end
  local cpu = os.clock()
  ml.sleep(3)
  verdict.at_most(code .. ": CPU in 3 s", os.clock() - cpu, 0.1, "s")
  verdict.at_least("attempts meanwhile", fault.count "accept4", 3, "")
  fault.reset()
  local start, served = ml.now(), 0
  ml.map(near, function(conn)
    if conn:read("a") == "hello" then
      served = served + 1
    end
    conn:close()
  end)
  verdict.at_most("all were served after", ml.now() - start, 1, "s")
  verdict.at_least("served", served, 10, "")
end
server:stop(1)
verdict.finish()
