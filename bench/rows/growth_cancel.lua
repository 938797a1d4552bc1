return {
  title = "growth: a timer armed and cancelled, by the number armed",
  unit = "ns",
  about = "By `ml.timeout`, while that many tasks sleep.",
  full = { n = 500000 },
  quick = { n = 100000 },
  points = {
    { timers = 10 }, { timers = 1000 }, { timers = 100000 },
    { timers = 1000000 },
  },
  arguments = "{n} {timers}",
  contestants = {
    { "miniloop", "bench/ours/cancel.lua" },
  },
}
