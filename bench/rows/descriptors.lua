local servers = require "bench.lib.servers"

return {
  title = "growth: echo beside idle connections,"
    .. " CPU per request",
  unit = "µs",
  full = { n = 50000 },
  quick = { n = 3000 },
  arguments = "{port}",
  client = servers.load("echo",
    "idle={idle} connections=10 warm=2000 requests={n}"),
  points = { { idle = 0 }, { idle = 990 }, { idle = 14990 } },
  contestants = servers.echo(true),
  value = servers.cpu,
  check = servers.check,
}
