local servers = require "bench.lib.servers"

local contestants = servers.echo()
table.insert(contestants, 2,
  { "miniloop, buffer", "bench/ours/echo_buffer.lua" })

return {
  title = "TCP echo, 16 KiB, 50 connections, CPU per request",
  unit = "µs",
  about = "\"buffer\" is the reusable buffer object in the place of strings.",
  full = { n = 50000 },
  quick = { n = 3000 },
  arguments = "{port}",
  client = servers.load("echo",
    "connections=50 size=16384 warm=5000 requests={n}"),
  goals = {
    { of = "limit", at_most = 1.15 },
    { who = "miniloop, buffer", of = "limit", at_most = 1.05 },
  },
  contestants = contestants,
  value = servers.cpu,
  figures = servers.latencies,
  check = servers.check,
}
