local tasks = "lateness {n} 0.001"

return {
  title = "lateness of `ml.sleep(0.001)`, median",
  unit = "us",
  about = "The limit is clock_nanosleep(), with the timer slack that the "
    .. "kernel gives to a process.",
  full = { n = 500 },
  quick = { n = 100 },
  arguments = "{n} 0.001",
  goals = {
    { of = "limit", at_most = 1.05 },
    { of = "limit", at_most = 1.05, figure = "99 %" },
    { at_most = 0, figure = "early" },
  },
  contestants = {
    { "miniloop", "bench/ours/lateness.lua" },
    { "limit", "{bin}/limit_lateness" },
    { "tarantool", "bench/peers/tarantool/tasks.lua", arguments = tasks },
    { "luv", "bench/peers/luv/tasks.lua", arguments = tasks },
    { "cqueues", "bench/peers/cqueues/tasks.lua", arguments = tasks },
    { "copas", "bench/peers/copas/tasks.lua", arguments = tasks },
    { "go", "bench/peers/go/tasks.go", arguments = tasks },
    { "node", "bench/peers/node/tasks.js", arguments = tasks },
    { "asyncio", "bench/peers/asyncio/tasks.py", arguments = tasks },
  },
  value = function(sample)
    return sample.p50_us
  end,
  figures = function(sample)
    return { { "99 %", sample.p99_us, "us" }, { "early", sample.early } }
  end,
}
