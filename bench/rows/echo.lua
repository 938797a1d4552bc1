local servers = require "bench.lib.servers"

return {
  title = "TCP echo, 64 bytes, 50 connections, CPU per request",
  unit = "µs",
  full = { n = 100000 },
  quick = { n = 5000 },
  arguments = "{port}",
  client = servers.load("echo",
    "connections=50 size=64 warm=5000 requests={n}"),
  goals = { { of = "limit", at_most = 1.06 } },
  contestants = servers.echo(),
  value = servers.cpu,
  figures = servers.latencies,
  check = servers.check,
}
