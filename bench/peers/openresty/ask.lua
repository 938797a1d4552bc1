-- Asks the server for a row, and measures the time of the answer:
-- ask.lua PORT OPERATION NUMBER ...
local net = require "miniloop.net"
local mark = require "bench.lib.mark"

local function get(path)
  local conn <close> = assert(net.connect("127.0.0.1:" .. arg[1]))
  assert(conn:write("GET ", path, " HTTP/1.0\r\n\r\n"))
  return assert(conn:read("a"))
end

local operation = arg[2]
local numbers = table.concat(arg, "/", 3)
get(("/%s/1000/100"):format(operation)) -- so that its code is compiled
mark "start"
local answer = get("/" .. operation .. "/" .. numbers)
mark "stop"
print(answer:match("count=%d+") or "count=0")
