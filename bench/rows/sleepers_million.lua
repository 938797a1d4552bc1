local measure = require "bench.lib.measure"

return {
  title = "1,000,000 tasks that sleep for a random 0-1 s",
  unit = "ms",
  about = "Spawned as fast as it goes, so not all of them are alive "
    .. "together.",
  full = { n = 1000000 },
  quick = { n = 20000 },
  arguments = "{n} {n} 1",
  goals = { { of = "go", at_most = 0.5 } },
  contestants = {
    { "miniloop", "bench/ours/sleepers.lua" },
    { "limit", "{bin}/limit_sleepers" },
    { "go", "bench/peers/go/tasks.go", arguments = "sleepers {n} {n} 1" },
  },
  value = function(sample)
    return measure.cpu(sample) / 1e6
  end,
  figures = function(sample)
    return {
      { "most memory", sample.total.rss_kb / 1024, "MiB" },
      { "wall", measure.wall(sample) / 1e9, "s" },
    }
  end,
}
