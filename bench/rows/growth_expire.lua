return {
  title = "growth: a timer armed and expired, by the number armed",
  unit = "ns",
  about = "On a clock that jumps: that many tasks sleep for random times, "
    .. "again and again. The limit is coroutines and a heap of deadlines.",
  full = { n = 2000000 },
  quick = { n = 100000 },
  points = {
    { tasks = 10 }, { tasks = 1000 }, { tasks = 100000 },
    { tasks = 1000000 },
  },
  arguments = "{n} {tasks}",
  contestants = {
    { "miniloop", "build/miniloop --virtual-time bench/ours/timers.lua" },
    { "limit", "{bin}/limit_timers" },
  },
}
