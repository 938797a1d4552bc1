local servers = require "bench.lib.servers"
local measure = require "bench.lib.measure"

return {
  title = "connections that come, have one answer, and go: CPU for each",
  unit = "µs",
  about = "A third each is closed, reset, and half-closed by the client.",
  full = { n = 20000 },
  quick = { n = 1000 },
  arguments = "{port}",
  client = servers.load("echo",
    "connections=50 life=1 ends=fin,rst,half warm=1000 requests={n}"),
  contestants = servers.echo(true),
  value = function(sample)
    return measure.cpu(sample) / sample.opened / 1000
  end,
  check = servers.check,
}
