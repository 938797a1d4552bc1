-- A proxy in front of a web server, as nginx's proxy_pass: requests and answers
-- go through in pieces, so a body of any size takes little memory, and who
-- reads slowly makes the other side wait.
--
--   ./dev run examples/28_streaming_proxy.lua [HERE [THERE]]
--
-- HERE is 127.0.0.1:8081 unless given, THERE http://127.0.0.1:8080.

local http = require "miniloop.http"

local here = arg[1] or "127.0.0.1:8081"
local there = arg[2] or "http://127.0.0.1:8080"

io.stdout:setvbuf "line"

-- Fields that speak of one connection, not of the message (RFC 9110, 7.6.1).
local own = {
  connection = true, ["keep-alive"] = true, te = true, trailer = true,
  upgrade = true, ["transfer-encoding"] = true, ["proxy-connection"] = true,
  expect = true, host = true,
}

local function passed_on(headers)
  local named = own
  if headers.connection then
    named = setmetatable({}, { __index = own })
    for name in headers.connection:gmatch("[^,%s]+") do
      named[name:lower()] = true
    end
  end
  local fields = {}
  for name, value in pairs(headers) do
    fields[name] = not named[name] and value or nil
  end
  return fields
end

local client = http.client {
  base = there, gzip = false, redirects = 0, proxy = false,
}

local function forward(req, res)
  local headers = passed_on(req.headers)
  headers["x-forwarded-for"] = req.peer:match("^(.*):%d+$")
  local has_body = req.headers["content-length"]
    or req.headers["transfer-encoding"]
  local answer <close>, err = client:request {
    url = req.target, method = req.method, headers = headers,
    body = has_body and req:chunks() or nil, stream = true,
  }
  if not answer then
    return 502, tostring(err) .. "\n"
  end
  res.status = answer.status
  for name, value in pairs(passed_on(answer.headers)) do
    res.headers[name] = value
  end
  for piece in answer:chunks() do
    res:write(piece)
  end
end

local server = assert(http.serve(here, forward))
print("listening on " .. server:address())
