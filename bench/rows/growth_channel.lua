return {
  title = "growth: a value handed over, by the number of tasks",
  unit = "ns",
  about = "Half of the tasks send, half receive, each two by a channel of "
    .. "their own.",
  full = { n = 2000000 },
  quick = { n = 100000 },
  points = {
    { tasks = 10 }, { tasks = 1000 }, { tasks = 100000 },
    { tasks = 1000000 },
  },
  arguments = "{n} {tasks}",
  contestants = {
    { "miniloop", "bench/ours/channel.lua" },
  },
}
