-- An echo server that makes no strings: what comes is read into a buffer, and
-- written from it, again and again.
--
--   miniloop bench/ours/echo_buffer.lua PORT

local net = require "miniloop.net"

assert(net.serve("127.0.0.1:" .. arg[1], function(conn)
  local buffer <close> = net.buffer(32 * 1024)
  while conn:recvinto(buffer) do
    conn:write(buffer)
    buffer:clear()
  end
end))
