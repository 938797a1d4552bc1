local servers = require "bench.lib.servers"

return {
  title = "HTTPS keep-alive hello, 64 connections, CPU per request",
  unit = "µs",
  about = "TLS 1.3, TLS_AES_256_GCM_SHA384, the same OpenSSL.",
  full = { n = 60000 },
  quick = { n = 5000 },
  arguments = "{port} build/bench/files/cert.pem build/bench/files/key.pem",
  client = servers.load("https", "ca=build/bench/files/cert.pem"
    .. " connections=64 warm=5000 requests={n}"),
  goals = { { of = "nginx", at_most = 1.1 } },
  contestants = {
    { "miniloop", "bench/ours/http.lua" },
    { "nginx", "bench/peers/nginx/http.sh" },
    { "go", "bench/peers/go/http.go" },
    { "node", "bench/peers/node/http.js" },
  },
  value = servers.cpu,
  figures = servers.latencies,
  check = servers.check,
}
