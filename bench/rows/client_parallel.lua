local clients = require "bench.lib.clients"

return clients.row("requests of an HTTP client, 50 at once, on connections"
  .. " that are kept: CPU per request", 50)
