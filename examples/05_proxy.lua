-- A TCP proxy: what comes to one address is passed on to another, and back.
--
--   ./dev run examples/05_proxy.lua [HERE [THERE]]
--
-- HERE is 127.0.0.1:8081 unless given, THERE 127.0.0.1:8080; port 0 takes a
-- free one. With one of the echo servers at 8080, try `nc 127.0.0.1 8081`.
-- Ctrl-C ends it.
--
-- The two directions are independent: when one side has said all that it has
-- to say, the other one is told so, and may still answer.

local ml = require "miniloop"
local net = require "miniloop.net"

local here = arg[1] or "127.0.0.1:8081"
local there = arg[2] or "127.0.0.1:8080"

io.stdout:setvbuf "line"

-- Passes bytes on until there are no more. A failure ends both directions.
local function pump(from, to)
  local bytes, err
  repeat
    bytes, err = from:recv()
    if bytes then
      bytes, err = to:write(bytes)
    end
  until not bytes
  if err then
    from:close()
    to:close()
  else
    to:shutdown("write")
  end
end

local function pass_on(client)
  local target, err = net.connect(there)
  if not target then
    print(err)
    return
  end
  local server <close> = target
  local back = ml.spawn(pump, server, client)
  pump(client, server)
  back:wait()
end

local server = assert(net.serve(here, pass_on))
print("listening on " .. server:address())
