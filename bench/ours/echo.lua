-- An echo server as one writes it: a string for what came, and out it goes.
--
--   miniloop bench/ours/echo.lua PORT

local net = require "miniloop.net"

assert(net.serve("127.0.0.1:" .. arg[1], function(conn)
  while true do
    local bytes = conn:recv()
    if not bytes then
      return
    end
    conn:write(bytes)
  end
end))
