-- Echo with tarantool's fibers. Its tcp_server sets TCP_NODELAY.
local socket = require "socket"

socket.tcp_server("127.0.0.1", tonumber(arg[1]), {
  backlog = 4096,
  handler = function(conn)
    conn:setsockopt("IPPROTO_TCP", "TCP_NODELAY", true)
    while true do
      local bytes = conn:sysread(65536)
      if bytes == nil then
        if not conn:readable() then
          return
        end
      elseif bytes == "" or not conn:write(bytes) then
        return
      end
    end
  end,
})
