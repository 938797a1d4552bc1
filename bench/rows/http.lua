local servers = require "bench.lib.servers"

return {
  title = "HTTP/1.1 keep-alive hello, 64 connections, CPU per request",
  unit = "µs",
  about = "The bytes of all answers are checked. \"raw\" looks for the ends of"
    .. " heads and for nothing else.",
  full = { n = 100000 },
  quick = { n = 5000 },
  arguments = "{port}",
  client = servers.load("http", "connections=64 warm=5000 requests={n}"),
  goals = {
    { of = "nginx", at_most = 1 },
    { who = "miniloop, http", of = "nginx", at_most = 1 },
  },
  contestants = servers.http(),
  value = servers.cpu,
  figures = servers.latencies,
  check = servers.check,
}
