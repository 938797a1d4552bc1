local servers = require "bench.lib.servers"

-- Connections that go on with the session of one before.
local again = servers.load("https", "ca=build/bench/files/cert.pem resume=yes"
  .. " connections=20 life=1 warm=200 requests={n}")

return {
  title = "connections by TLS that have one answer and go: CPU for each",
  unit = "µs",
  about = "TLS 1.3, X25519, a key of ECDSA P-256, the tickets that servers"
    .. " give by themselves. What is resumed is so by such a ticket.",
  full = { n = 4000, resumed = 0 },
  quick = { n = 300 },
  arguments = "{port} build/bench/files/cert.pem build/bench/files/key.pem",
  client = servers.load("https", "ca=build/bench/files/cert.pem"
    .. " connections=20 life=1 warm=200 requests={n}"),
  goals = {
    { of = "nginx", at_most = 1.1 },
    { who = "miniloop, resumed", of = "nginx, resumed", at_most = 1.1 },
  },
  contestants = {
    { "miniloop", "bench/ours/http.lua" },
    { "nginx", "bench/peers/nginx/http.sh" },
    { "go", "bench/peers/go/http.go" },
    { "node", "bench/peers/node/http.js" },
    { "miniloop, resumed", "bench/ours/http.lua", client = again,
      size = { resumed = 1 } },
    { "nginx, resumed", "bench/peers/nginx/http.sh", peer = "nginx",
      client = again, size = { resumed = 1 } },
  },
  value = servers.cpu,
  figures = function(sample)
    return { { "handshakes", sample.requests * 1e9 / sample.wall_ns, "1/s" } }
  end,
  check = function(sample, size)
    local share = sample.resumed / sample.requests
    if size.resumed == 0 and share > 0 or share < 0.95 * size.resumed then
      return false, ("%d of %d were resumed"):format(sample.resumed,
        sample.requests)
    end
    return servers.check(sample, size)
  end,
}
