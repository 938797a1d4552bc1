local measure = require "bench.lib.measure"

return {
  title = "WebSocket echo, 64 bytes, 50 connections, CPU per message",
  unit = "µs",
  full = { n = 40000, size = 64, warm = 20000 },
  quick = { n = 2000, warm = 2000 },
  arguments = "{port}",
  client = "build/miniloop bench/load/websocket.lua "
    .. "{port} 50 {size} {warm} {n}",
  goals = { { of = "node", at_most = 1 } },
  contestants = {
    { "miniloop", "bench/ours/websocket.lua" },
    { "node", "bench/peers/node/websocket.js" },
  },
  value = function(sample)
    return measure.cpu(sample) / sample.requests / 1000
  end,
  check = function(sample, size)
    return sample.requests == size.n, sample.errors .. " wrong answers"
  end,
}
