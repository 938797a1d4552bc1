-- Answers GET with fixed bytes: finds where heads end, and no more of HTTP.
--
--   miniloop bench/ours/http_raw.lua PORT

local net = require "miniloop.net"

local answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
  .. "Content-Length: 13\r\n\r\nhello, world\n"

-- How many heads end in the bytes, and what is behind the last of them.
local function heads(bytes)
  local count, from = 0, 1
  while true do
    local _, last = bytes:find("\r\n\r\n", from, true)
    if not last then
      return count, from > #bytes and "" or bytes:sub(from)
    end
    count, from = count + 1, last + 1
  end
end

assert(net.serve("127.0.0.1:" .. arg[1], function(conn)
  local rest = ""
  while true do
    local bytes = conn:recv()
    if not bytes then
      return
    end
    local count
    count, rest = heads(rest == "" and bytes or rest .. bytes)
    if count == 1 then
      conn:write(answer)
    elseif count > 1 then
      conn:write(answer:rep(count))
    end
  end
end))
