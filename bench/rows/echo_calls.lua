local servers = require "bench.lib.servers"

return {
  title = "TCP echo, 64 bytes, 50 connections, system calls per request",
  unit = "calls",
  about = "Those of accepting and closing count, too.",
  full = { n = 50000 },
  quick = { n = 2000 },
  arguments = "{port}",
  client = "sh bench/tools/calls.sh {port} {n} {bin}/load",
  goals = { { of = "limit", at_most = 1.1 } },
  contestants = servers.echo(true),
  value = function(sample)
    return sample.calls
  end,
  figures = function(sample)
    return {
      { "reads", sample.reads }, { "writes", sample.writes },
      { "waits", sample.waits }, { "epoll_ctl", sample.changes },
    }
  end,
  check = servers.check,
}
