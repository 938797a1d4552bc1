-- Runs a random program, each operation of it, and tells the world.

local core = require "miniloop.core"
local tasks = require "spec.sim.tasks"
local world = require "spec.sim.world"

-- The operations.
require "spec.sim.blocks"
require "spec.sim.choice"
require "spec.sim.waits"

local machine = {}

local options = { clock = "virtual", poller = "sim" }

---Runs the program. Its world; `world.violation` if something did not hold.
function machine.run(p, traced)
  local w = world.new(p)
  local lines = traced and {}
  w.lines = lines
  options.seed, options.grace = p.seed, p.grace
  local ok, err = pcall(core.run, function()
    return tasks.main(tasks.new(w, p.main, false))
  end, options)
  pcall(w.check_end, w, ok, err)
  if not w.violation then
    pcall(core.run, function()
      w:check_left()
    end, options)
  end
  w:close()
  return w
end

return machine
