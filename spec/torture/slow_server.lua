-- The server of slow.lua and slowhttp.lua: says hello, has a large answer, and
-- echoes bodies, with the limits that it has by itself.

local http = require "miniloop.http"

io.stdout:setvbuf "line"

local large = ("0123456789abcdef"):rep(65536)

local server = assert(http.serve("127.0.0.1:0", {
  ["GET /"] = function() return "hello\n" end,
  ["GET /large"] = function() return large end,
  ["POST /"] = function(req) return req:body() end,
}))
print(server:address())
