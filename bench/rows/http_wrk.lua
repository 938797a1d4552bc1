local servers = require "bench.lib.servers"

return {
  title = "HTTP/1.1 keep-alive hello, wrk -t1 -c64, CPU per request",
  unit = "µs",
  full = { seconds = 1 },
  quick = {},
  arguments = "{port}",
  client = "sh bench/tools/wrk.sh {port} 64 {seconds} {bin}/load",
  goals = {
    { of = "nginx", at_most = 1 },
    { who = "miniloop, http", of = "nginx", at_most = 1 },
  },
  contestants = servers.http(),
  value = servers.cpu,
  figures = servers.latencies,
  check = servers.check,
}
