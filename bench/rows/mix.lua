return {
  title = "lateness of a 1 ms sleep while 4 tasks compute 5 ms at a time",
  unit = "ms",
  about = "The 99th percentile. The goal is one turn of each that computes, "
    .. "and 1 ms. By the clock of our own CPU time nothing counts that others "
    .. "do on the machine.",
  full = { n = 20, k = 4, sleepers = 50 },
  quick = { n = 5 },
  arguments = "{n} {k} {sleepers}",
  goals = {
    { at_most = 4 * 5 + 1 },
    { at_most = 4 * 5 + 1, figure = "own CPU time" },
  },
  contestants = { { "miniloop", "bench/ours/mix.lua" } },
  value = function(sample)
    return sample.p99_ms
  end,
  figures = function(sample)
    return {
      { "own CPU time", sample.spent_p99_ms, "ms" },
      { "median", sample.p50_ms, "ms" }, { "early", sample.early },
    }
  end,
  check = function(sample, size)
    return sample.count == size.n * size.sleepers and sample.early == 0,
      "counted " .. tostring(sample.count) .. ", or woken early"
  end,
}
