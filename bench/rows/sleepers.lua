local measure = require "bench.lib.measure"

local tasks = "sleepers {n} {n} 1"

return {
  title = "100,000 tasks asleep for a random 0-1 s",
  unit = "ms",
  about = "Spawning included. The limit is coroutines and a heap of "
    .. "deadlines.",
  full = { n = 100000 },
  quick = { n = 10000 },
  arguments = "{n} {n} 1",
  goals = { { of = "luv", at_most = 0.65 } },
  contestants = {
    { "miniloop", "bench/ours/sleepers.lua" },
    { "limit", "{bin}/limit_sleepers" },
    { "luv", "bench/peers/luv/tasks.lua", arguments = tasks },
    { "cqueues", "bench/peers/cqueues/tasks.lua", arguments = tasks },
    { "copas", "bench/peers/copas/tasks.lua", arguments = tasks },
    { "go", "bench/peers/go/tasks.go", arguments = tasks },
    { "node", "bench/peers/node/tasks.js", arguments = tasks },
    { "asyncio", "bench/peers/asyncio/tasks.py", arguments = tasks },
    { "uvloop", "bench/peers/asyncio/tasks.py",
      arguments = tasks .. " uvloop" },
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
