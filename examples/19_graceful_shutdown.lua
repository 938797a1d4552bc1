-- A server that stops as it should: on SIGTERM or SIGINT it accepts nobody any
-- more, lets the requests in progress finish, and cuts what takes too long.
--
--   ./dev run examples/19_graceful_shutdown.lua [address] [grace]
local ml, net = require "miniloop", require "miniloop.net"

local server = assert(net.serve(arg[1] or "127.0.0.1:8080", function(conn)
  for line in conn:lines() do
    ml.sleep(tonumber(line) or 0) -- the work takes as long as the client says
    conn:write("done: ", line, "\n")
  end
end))

local caught <close> = assert(ml.signals("TERM", "INT"))
print("serving on " .. server:address())
print("got " .. caught:wait() .. ", stopping")
local ok, err = server:stop(tonumber(arg[2] or 2))
print(ok and "everybody was served" or "cut some off: " .. err.code)
