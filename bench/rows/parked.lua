local tasks = "parked {n}"

return {
  title = "memory of a parked task, 100,000 of them",
  unit = "B",
  about = "What the process has more of, its handles let go. The limits are a "
    .. "coroutine that has yielded, bare and with a protected call at its "
    .. "bottom. Of luv it is a coroutine and no more, for nothing else waits.",
  full = { n = 100000 },
  quick = { n = 20000 },
  arguments = "{n}",
  goals = { { at_most = 1400 } },
  contestants = {
    { "miniloop", "bench/ours/parked.lua" },
    { "limit, bare", "{bin}/limit_parked", arguments = "{n} bare" },
    { "limit, framed", "{bin}/limit_parked", arguments = "{n} frame" },
    { "tarantool", "bench/peers/tarantool/tasks.lua", arguments = tasks,
      size = { n = 20000 } },
    { "luv", "bench/peers/luv/tasks.lua", arguments = tasks },
    { "cqueues", "bench/peers/cqueues/tasks.lua", arguments = tasks },
    { "copas", "bench/peers/copas/tasks.lua", arguments = tasks },
    { "go", "bench/peers/go/tasks.go", arguments = tasks },
    { "node", "bench/peers/node/tasks.js", arguments = tasks },
    { "asyncio", "bench/peers/asyncio/tasks.py", arguments = tasks },
  },
  value = function(sample, size)
    return (sample.stop.anon_kb - sample.start.anon_kb) * 1024 / size.n
  end,
}
