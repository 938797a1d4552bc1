-- Answers GET by miniloop.http: a head that is parsed, routes, limits of time.
--
--   miniloop bench/ours/http.lua PORT [CERTIFICATE KEY]

local http = require "miniloop.http"

local port, certificate, key = table.unpack(arg)

assert(http.serve("127.0.0.1:" .. port, {
  ["GET /"] = function() return "hello, world\n" end,
  ["GET /users"] = function() return {} end,
  ["POST /users"] = function(req) return 201, req:json() end,
  ["GET /users/{id}"] = function(req) return { id = req.params.id } end,
  ["GET /hello/{name}"] = function(req)
    local agent = req.headers["user-agent"]
    return agent and "hello, " .. req.params.name .. "\n" or 400
  end,
  ["GET /files/*"] = http.static "build/bench/files",
}, { tls = certificate and { cert = certificate, key = key } }))
