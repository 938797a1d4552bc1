-- A server that others torture: echoes what comes, and prints its address.

local net = require "miniloop.net"

io.stdout:setvbuf "line"

local server = assert(net.serve("127.0.0.1:0", function(conn)
  local bytes
  repeat
    bytes = conn:recv()
  until not bytes or not conn:write(bytes)
end))
print(server:address())
