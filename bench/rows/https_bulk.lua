local servers = require "bench.lib.servers"

return {
  title = "a file of 1 MiB over HTTPS keep-alive, 10 connections, CPU per"
    .. " request",
  unit = "µs",
  about = "TLS 1.3, TLS_AES_256_GCM_SHA384, the same OpenSSL.",
  full = { n = 1500 },
  quick = { n = 300 },
  arguments = "{port} build/bench/files/cert.pem build/bench/files/key.pem",
  client = servers.load("https", "ca=build/bench/files/cert.pem"
    .. " path=/files/mebibyte body=build/bench/files/mebibyte connections=10"
    .. " warm=100 requests={n}"),
  goals = { { of = "nginx", at_most = 1.1 } },
  contestants = {
    { "miniloop", "bench/ours/http.lua" },
    { "nginx", "bench/peers/nginx/http.sh" },
    { "go", "bench/peers/go/http.go" },
  },
  value = servers.cpu,
  figures = servers.latencies,
  check = servers.check,
}
