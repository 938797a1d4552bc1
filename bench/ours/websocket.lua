-- websocket.lua PORT: echo over WebSockets, by a route of the HTTP server.
local http = require "miniloop.http"

local server = assert(http.serve("127.0.0.1:" .. arg[1], {
  ["GET /"] = function(req)
    local ws = req:websocket()
    for message, kind in ws:messages() do
      ws:send(message, kind)
    end
  end,
}))
server:join()
