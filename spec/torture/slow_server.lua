-- The server of slow.lua: echoes bodies, with the limits that it has by itself.

local http = require "miniloop.http"

io.stdout:setvbuf "line"

local server = assert(http.serve("127.0.0.1:0", {
  ["GET /"] = function() return "hello\n" end,
  ["POST /"] = function(req) return req:body() end,
}))
print(server:address())
