-- Answers GET with fixed bytes: reads to where each head ends.
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

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

local function serve(conn)
  local rest = ""
  conn:setmode("bn", "bn")
  conn:onerror(function(_, _, why)
    return why
  end)
  while true do
    local bytes = conn:read(-65536)
    if not bytes then
      break
    end
    local count
    count, rest = heads(rest == "" and bytes or rest .. bytes)
    if count > 0 and not conn:write(answer:rep(count)) then
      break
    end
  end
  conn:close()
end

local loop = cqueues.new()
local server = socket.listen { host = "127.0.0.1", port = arg[1] }
loop:wrap(function()
  while true do
    loop:wrap(serve, server:accept { nodelay = true })
  end
end)
assert(loop:loop())
