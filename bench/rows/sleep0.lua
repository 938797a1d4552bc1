return {
  title = "`coroutine.yield(syscall.sleep(0))`, 1,000 tasks",
  unit = "ns",
  about = "A request made anew each time. The limit is that of a yield; the "
    .. "peers have no such form.",
  full = { n = 1000000, tasks = 1000 },
  quick = { n = 100000 },
  arguments = "{n} {tasks}",
  goals = { { of = "limit", at_most = 2.6 } },
  contestants = {
    { "miniloop", "bench/ours/sleep0.lua" },
    { "limit", "{bin}/limit_switch" },
  },
}
