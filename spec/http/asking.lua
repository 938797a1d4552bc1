-- A server for each test, and what it answers to requests as text.

local http = require "miniloop.http"
local wire = require "spec.http.wire"

local asking = {}

asking.free = "127.0.0.1:0"

local server

-- Serves until `stop`; the address.
function asking.serve(routes, options)
  server = assert(http.serve(asking.free, routes, options))
  return server:address(), server
end

function asking.stop()
  if server then
    server:stop(0)
    server = nil
  end
end

-- The answers to requests that are given as text without versions and hosts:
-- "GET /a", or { "POST /a", "Name: value", body = "text" }.
function asking.text_of(request)
  if type(request) == "string" then
    request = { request }
  end
  local lines = { request[1] .. " HTTP/1.1", "Host: a",
    table.unpack(request, 2) }
  if request.body then
    table.insert(lines, "Content-Length: " .. #request.body)
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (request.body or "")
end

function asking.ask(address, ...)
  local texts = {}
  for i, request in ipairs { ... } do
    texts[i] = asking.text_of(request)
  end
  local text = wire.exchange(address, table.concat(texts))
  local method = type(...) == "string" and (...):match("^%u+") or nil
  return table.unpack(wire.answers(text, method))
end

-- A field of an answer.
function asking.field(answer, name)
  return answer.head:match("\r\n" .. name:gsub("%-", "%%-") .. ": (.-)\r\n")
end

return asking
