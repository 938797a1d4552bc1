local tasks = "spawn {n} {batch}"

return {
  title = "spawn and finish a task, 100 at a time",
  unit = "ns",
  about = "From Lua with a handle, and from C without one. The limits are a "
    .. "coroutine that is used again, bare and with a protected call around "
    .. "its function.",
  full = { n = 1000000, batch = 100 },
  quick = { n = 50000 },
  arguments = "{n} {batch}",
  goals = {
    { at_most = 80 },
    { at_most = 80, who = "miniloop from C" },
    { of = "go", at_most = 1 },
    { of = "go", at_most = 1, who = "miniloop from C" },
  },
  contestants = {
    { "miniloop", "bench/ours/spawn.lua" },
    { "miniloop from C", "{bin}/ours_spawn" },
    { "limit, bare", "{bin}/limit_spawn", arguments = "{n} {batch} bare" },
    { "limit, framed", "{bin}/limit_spawn", arguments = "{n} {batch} frame" },
    { "openresty", "bench/peers/openresty/tasks.sh", arguments = "{port}",
      client = "build/miniloop bench/peers/openresty/ask.lua {port} " .. tasks,
      size = { n = 100000 } },
    { "tarantool", "bench/peers/tarantool/tasks.lua", arguments = tasks,
      size = { n = 200000 } },
    { "luv", "bench/peers/luv/tasks.lua", arguments = tasks,
      size = { n = 200000 } },
    { "cqueues", "bench/peers/cqueues/tasks.lua", arguments = tasks,
      size = { n = 200000 } },
    { "copas", "bench/peers/copas/tasks.lua", arguments = tasks,
      size = { n = 100000 } },
    { "go", "bench/peers/go/tasks.go", arguments = tasks },
    { "node", "bench/peers/node/tasks.js", arguments = tasks },
    { "asyncio", "bench/peers/asyncio/tasks.py", arguments = tasks,
      size = { n = 100000 } },
    { "uvloop", "bench/peers/asyncio/tasks.py",
      arguments = tasks .. " uvloop", size = { n = 100000 } },
  },
}
