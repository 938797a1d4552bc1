return {
  title = "growth: spawn and finish, by the number alive together",
  unit = "ns",
  about = "The limit uses its coroutines again, however many.",
  full = { n = 2000000 },
  quick = { n = 100000 },
  points = {
    { batch = 10 }, { batch = 1000 }, { batch = 100000 },
    { batch = 1000000 },
  },
  arguments = "{n} {batch}",
  contestants = {
    { "miniloop", "bench/ours/spawn.lua" },
    { "limit", "{bin}/limit_spawn", arguments = "{n} {batch} frame" },
  },
}
