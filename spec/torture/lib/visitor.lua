-- A client of a server of HTTP that asks as others do, while the server is
-- tortured by somebody else.

local ml = require "miniloop"
local net = require "miniloop.net"

local PAUSE = 0.002 -- seconds between its requests

---Asks for "/", which answers "hello\n", until `done` says so: the times that
---it took, in seconds.
---@param address string
---@param done fun(): boolean
---@return number[]
local function visit(address, done)
  local conn <close> = assert(net.connect(address))
  local times = {}
  repeat
    local from = ml.now()
    assert(conn:write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    repeat
      local text = assert(conn:recv())
    until text:find("hello\n", 1, true)
    times[#times + 1] = ml.now() - from
    ml.sleep(PAUSE)
  until done()
  return times
end

return visit
