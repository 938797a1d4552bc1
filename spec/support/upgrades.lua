-- A server of WebSockets, at any path.

local http = require "miniloop.http"

local upgrades = {}

-- `handler` gets the WebSocket and the request.
function upgrades.serve(handler, options, serve_options)
  return http.serve("127.0.0.1:0", function(req)
    return handler(req:websocket(options), req)
  end, serve_options)
end

return upgrades
