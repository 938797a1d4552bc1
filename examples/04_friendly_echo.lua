-- An echo server in four lines, and two that tell where it is.
--
--   ./dev run examples/04_friendly_echo.lua [ADDRESS]
--
-- ADDRESS is 127.0.0.1:8080 unless given; port 0 takes a free one. Each line
-- that a client sends comes back. Try `nc 127.0.0.1 8080`; Ctrl-C ends it.

local net = require "miniloop.net"
local server = assert(net.serve(arg[1] or "127.0.0.1:8080", function(conn)
  for line in conn:lines() do conn:write(line, "\n") end
end))
print("listening on " .. server:address())
io.flush()
