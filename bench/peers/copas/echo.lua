-- Echo with copas, of the version that Debian has (Lua 5.1). What has come is
-- the answer of a read, or its third result when there was less than asked for.
local copas = require "copas"
local socket = require "socket"

local server = assert(socket.bind("127.0.0.1", tonumber(arg[1]), 4096))
copas.addserver(server, function(conn)
  conn:setoption("tcp-nodelay", true)
  while true do
    local bytes, err, part = copas.receivePartial(conn, 65536)
    bytes = bytes or part
    if bytes and #bytes > 0 then
      if not copas.send(conn, bytes) then
        return
      end
    elseif err ~= "timeout" then
      return
    end
  end
end)
copas.loop()
