local measure = require "bench.lib.measure"

return {
  title = "direct yield and resume, `ml.yield()`, 1,000 tasks",
  unit = "ns",
  full = { n = 2000000, tasks = 1000 },
  quick = { n = 100000 },
  arguments = "{n} {tasks}",
  goals = { { of = "limit", at_most = 1.35 } },
  contestants = {
    { "miniloop", "bench/ours/yield.lua" },
    { "limit", "{bin}/limit_switch" },
    { "luv", "bench/peers/luv/yield.lua", size = { n = 300000 } },
  },
  value = function(sample, size)
    return measure.cpu(sample) / size.n
  end,
  check = function(sample, size)
    return sample.count == size.n, "counted " .. tostring(sample.count)
  end,
}
