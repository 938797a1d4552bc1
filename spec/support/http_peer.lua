-- Servers that say what a test wants, byte for byte, to the client under test.

local http = require "miniloop.http"
local net = require "miniloop.net"

local peer = {}

-- The head of the next request, its lines with "\n" between them; nil at the
-- end of the connection.
function peer.read_head(conn)
  local lines = {}
  local line = conn:read()
  while line and line ~= "\r" do
    lines[#lines + 1] = line:gsub("\r$", "")
    line = conn:read()
  end
  return line and table.concat(lines, "\n")
end

-- The body of a request with this head.
function peer.read_body(conn, head)
  local length = head:lower():match("\ncontent%-length: (%d+)")
  if length then -- to read 0 bytes would wait for the next request
    return length ~= "0" and conn:read(tonumber(length)) or ""
  elseif not head:lower():find("transfer-encoding: chunked", 1, true) then
    return ""
  end
  local pieces = {}
  repeat
    local size = tonumber(conn:read() or "", 16) or 0 -- or it was cut off
    pieces[#pieces + 1] = conn:read(size)
    conn:read(2)
  until size == 0
  return table.concat(pieces)
end

-- Serves with answer(conn, head, body, n), called for the n-th request of a
-- connection, which ends when it gives false. Gives the URL of the server, and
-- the server, to be closed.
function peer.serve(answer, options)
  local server = assert(net.serve("127.0.0.1:0", function(conn)
    local n = 0
    repeat
      local head = peer.read_head(conn)
      n = n + 1
    until not head
      or answer(conn, head, peer.read_body(conn, head), n) == false
  end, options))
  return "http://" .. server:address(), server
end

-- Serves with the same bytes for each request, and closes after them.
function peer.say(bytes)
  return peer.serve(function(conn)
    conn:write(bytes)
    return false
  end)
end

-- A whole answer with a body.
function peer.answer(body, fields, status)
  return ("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s"):format(
    status or "200 OK", fields or "", #body, body)
end

-- A client that no environment sends elsewhere, to be closed.
function peer.client(options)
  options = options or {}
  if options.proxy == nil then
    options.proxy = false
  end
  return http.client(options)
end

return peer
