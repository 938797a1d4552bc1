return {
  title = "growth: a timer armed and expired, by the number armed",
  unit = "ns",
  about = "On a clock that jumps: tasks sleep for random times again and "
    .. "again. The limit is coroutines and a heap of deadlines.",
  full = { n = 2000000 },
  quick = { n = 100000 },
  points = {
    { tasks = 10 }, { tasks = 1000 }, { tasks = 100000 },
    { tasks = 1000000 },
  },
  arguments = "{n} {tasks} 1",
  contestants = {
    { "miniloop", "build/miniloop --virtual-time bench/ours/sleepers.lua" },
    { "limit", "{bin}/limit_sleepers", arguments = "{n} {tasks} 1 jump" },
  },
  check = function(sample, size)
    return sample.count == size.tasks, "counted " .. tostring(sample.count)
  end,
}
