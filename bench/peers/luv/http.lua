-- Answers GET with fixed bytes: finds where heads end, as our http_raw does.
local uv = require "luv"

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

local server = uv.new_tcp()
assert(server:bind("127.0.0.1", tonumber(arg[1])))
assert(server:listen(4096, function(err)
  assert(not err, err)
  local client = uv.new_tcp()
  local rest = ""
  server:accept(client)
  client:nodelay(true)
  client:read_start(function(failure, bytes)
    if failure or not bytes then
      client:close()
      return
    end
    local count
    count, rest = heads(rest == "" and bytes or rest .. bytes)
    if count == 1 then
      client:write(answer)
    elseif count > 1 then
      client:write(answer:rep(count))
    end
  end)
end))
uv.run()
