local servers = require "bench.lib.servers"

return {
  title = "a file of 1 MiB over HTTP/1.1 keep-alive, 10 connections, CPU per"
    .. " request",
  unit = "µs",
  about = "Nearly all of it is the kernel's: it copies the bytes.",
  full = { n = 3000 },
  quick = { n = 1000 },
  arguments = "{port}",
  client = servers.load("http", "path=/files/mebibyte"
    .. " body=build/bench/files/mebibyte connections=10 warm=200 requests={n}"),
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
