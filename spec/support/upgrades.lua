-- A server of WebSockets with nothing of HTTP but the handshake, for specs of
-- what comes after it.

local net = require "miniloop.net"
local websocket = require "miniloop.websocket"

local upgrades = {}

local function read_request(conn)
  local first = conn:read "l"
  if not first then
    return nil
  end
  local method, path, version = first:match "^(%S+) (%S+) HTTP/(%d%.%d)\r$"
  local req = { method = method, path = path, version = version, headers = {} }
  for line in conn:lines() do
    local name, value = line:match "^([^:]+):%s*(.-)\r$"
    if not name then
      break
    end
    req.headers[name:lower()] = value
  end
  return req
end

local function answer(conn, status, headers)
  local lines = { "HTTP/1.1 " .. status }
  for name, value in pairs(headers or {}) do
    lines[#lines + 1] = name .. ": " .. value
  end
  conn:write(table.concat(lines, "\r\n"), "\r\n\r\n")
end

-- Serves WebSockets at any path; `handler` gets the WebSocket.
function upgrades.serve(handler, options, serve_options)
  return net.serve("127.0.0.1:0", function(conn)
    local req = read_request(conn)
    if not req then
      return
    end
    local leave
    function req.upgrade(_, protocol, headers, at_end)
      leave = at_end
      headers.Upgrade, headers.Connection = protocol, "Upgrade"
      answer(conn, "101 Switching Protocols", headers)
      return conn
    end
    local ok, ws = pcall(websocket.accept, req, options)
    if ok then
      handler(assert(ws), req)
      leave(false)
    elseif type(ws) == "table" and ws.status then
      answer(conn, ws.status .. " Refused", ws.headers)
    else
      error(ws, 0)
    end
  end, serve_options)
end

return upgrades
