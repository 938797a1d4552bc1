local servers = require "bench.lib.servers"

-- Of a process that was sampled before and after it did nothing for a second.
local function idle_cpu(sample)
  return (sample.quiet.cpu_ns - sample.idle.cpu_ns)
    / (sample.quiet.wall_ns - sample.idle.wall_ns) * 100
end

return {
  title = "a connection that had one answer and is idle: memory of the server",
  unit = "bytes",
  about = "Private memory (RssAnon) with all connections open, less that"
    .. " before the first, by their number. What the kernel keeps for sockets"
    .. " is not in it.",
  full = { idle = 15000, quiet = 1 },
  quick = { idle = 2000, quiet = 0.2 },
  arguments = "{port}",
  client = servers.load("echo",
    "idle={idle} quiet={quiet} connections=1 requests=1000"),
  goals = {
    { at_most = 1400 },
    { figure = "CPU while idle", unit = "%", at_most = 0 },
  },
  contestants = servers.echo(true),
  value = function(sample, size)
    return (sample.idle.anon_kb - sample.empty.anon_kb) * 1024 / size.idle
  end,
  figures = function(sample)
    return { { "CPU while idle", idle_cpu(sample), "%" } }
  end,
  check = servers.check,
}
