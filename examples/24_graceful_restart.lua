-- A restart that no client notices. Several processes may listen on one port
-- (`reuseport`); so start the new one, then tell the old one to go:
--
--   ./dev run examples/24_graceful_restart.lua [ADDRESS] &
--   ./dev run examples/24_graceful_restart.lua [ADDRESS] &
--   kill -TERM %1
--
-- The one that goes takes no new connections, closes those on which nothing is
-- asked, answers what it was asked, and ends.

local ml = require "miniloop"
local http = require "miniloop.http"

io.stdout:setvbuf "line"

local server = assert(http.serve(arg[1] or "127.0.0.1:8000", {
  ["GET /"] = function() return "hello\n" end,
  ["GET /slow"] = function()
    ml.sleep(1)
    return "done\n"
  end,
}, { reuseport = true }))
print("listening on " .. server:address())

local signals <close> = ml.signals("TERM", "INT")
print("got " .. signals:wait())
local ok, err = server:stop(10)
print(ok and "all were answered" or tostring(err))
