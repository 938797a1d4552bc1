-- Answers GET by miniloop.http: a head that is parsed, routes, limits of time.
--
--   miniloop bench/ours/http.lua PORT

local http = require "miniloop.http"

assert(http.serve("127.0.0.1:" .. arg[1], {
  ["GET /"] = function() return "hello, world\n" end,
  ["GET /users/{id}"] = function(req) return { id = req.params.id } end,
}))
