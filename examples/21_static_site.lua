-- A web server for the files of a folder: with index.html, ranges, and answers
-- of "not modified"; and a line for each access on standard error.
--
--   ./dev run examples/21_static_site.lua [FOLDER [ADDRESS]]

local http = require "miniloop.http"

local server = assert(http.serve(arg[2] or "127.0.0.1:8000", {
  ["GET /*"] = http.static(arg[1] or "."),
}, { log = true }))
print("listening on " .. server:address())
