local function operation(title, name, size)
  return {
    "miniloop: " .. title, "bench/ours/micro.lua",
    arguments = name .. " {n}", size = size,
  }
end

return {
  title = "single operations",
  unit = "ns",
  about = "Ours alone: what informs those who change them.",
  alone = true,
  full = { n = 500000 },
  quick = { n = 20000 },
  arguments = "",
  contestants = {
    operation("step of a generator", "generator"),
    operation("channel, hand-over", "handover"),
    operation("channel, buffer of 100", "buffer"),
    operation("mutex, locked and unlocked", "mutex"),
    operation("timeout, armed and disarmed", "timeout"),
    operation("choice of 2, the last is ready", "choice2"),
    operation("choice of 8, the last is ready", "choice8"),
    operation("choice of 2, waits", "choice_waits"),
    operation("group of one task", "group", { n = 100000 }),
  },
}
