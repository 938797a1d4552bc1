local servers = require "bench.lib.servers"

return {
  title = "HTTP/1.1 keep-alive, the fields of a browser, a route with a"
    .. " parameter, a field looked at: CPU per request",
  unit = "µs",
  about = "nginx finds the parameter by a regular expression, after three "
    .. "other places.",
  full = { n = 60000 },
  quick = { n = 5000 },
  arguments = "{port}",
  client = servers.load("http", "path=/hello/bench body=build/bench/files/hello"
    .. " browser=yes connections=64 warm=5000 requests={n}"),
  goals = { { of = "nginx", at_most = 1.15 } },
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
