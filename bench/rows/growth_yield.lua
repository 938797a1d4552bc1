return {
  title = "growth: a yield, by the number of tasks",
  unit = "ns",
  about = "The limit is the bare coroutines: past some thousands their "
    .. "memory is out of the cache.",
  full = { n = 4000000 },
  quick = { n = 100000 },
  points = {
    { tasks = 10 }, { tasks = 1000 }, { tasks = 100000 },
    { tasks = 1000000 },
  },
  arguments = "{n} {tasks}",
  contestants = {
    { "miniloop", "bench/ours/yield.lua" },
    { "limit", "{bin}/limit_switch" },
  },
}
