local servers = require "bench.lib.servers"

local function among(name, program, idle)
  return { name, program, size = { idle = idle } }
end

return {
  title = "one message at a time on one of 15,000 connections, and of 10:"
    .. " CPU for each",
  unit = "µs",
  full = { idle = 14999, n = 5000 },
  quick = { n = 500 },
  arguments = "{port}",
  client = servers.load("echo",
    "idle={idle} connections=1 warm=100 requests={n}"),
  goals = { { of = "miniloop, of 10", at_most = 1.05 } },
  contestants = {
    among("miniloop", "bench/ours/echo.lua", 14999),
    among("miniloop, of 10", "bench/ours/echo.lua", 9),
    among("limit", "{bin}/limit_echo", 14999),
    among("limit, of 10", "{bin}/limit_echo", 9),
  },
  value = servers.cpu,
  figures = servers.latencies,
  check = servers.check,
}
