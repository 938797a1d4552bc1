return {
  title = "start-up of `miniloop -e ''`",
  unit = "ms",
  full = { nothing = "", times = 20 },
  quick = {},
  arguments = "-e {nothing}",
  goals = { { of = "limit, lua5.4", at_most = 1.5 } },
  contestants = {
    { "miniloop", "build/miniloop" },
    { "limit, lua5.4", "lua5.4" },
    { "node", "" },
    { "asyncio", "", arguments = "-c {nothing}" },
  },
  value = function(sample, size)
    return sample.total.cpu_ns / size.times / 1e6
  end,
  figures = function(sample, size)
    return {
      { "wall", sample.total.wall_ns / size.times / 1e6, "ms" },
      { "most memory", sample.total.rss_kb / 1024, "MiB" },
    }
  end,
  check = function(sample)
    return sample.exit == 0
  end,
}
