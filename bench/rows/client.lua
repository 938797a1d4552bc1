local clients = require "bench.lib.clients"

return clients.row("requests of an HTTP client one after the other, on one"
  .. " connection: CPU per request", 1)
