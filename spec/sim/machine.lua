-- Runs a random program, each operation of it, and tells the world.

local core = require "miniloop.core"
local files = require "spec.sim.files"
local tasks = require "spec.sim.tasks"
local world = require "spec.sim.world"

-- The operations.
require "spec.sim.blocks"
require "spec.sim.choice"
require "spec.sim.finalizers"
require "spec.sim.generators"
require "spec.sim.waits"

local machine = {}

local options = { clock = "virtual" }

local pollers = {}

-- The poller of that name, or the simulated one where the system has no such.
local function poller_of(name)
  if pollers[name] == nil then
    pollers[name] = pcall(core.run, function() end, { poller = name })
  end
  return pollers[name] and name or "sim"
end

---Runs the program. Its world; `world.violation` if something did not hold.
function machine.run(p, traced)
  local w = world.new(p)
  local lines = traced and {}
  w.lines = lines
  files.open(w, p.files)
  options.seed, options.grace = p.seed, p.grace
  options.poller = poller_of(p.poller)
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
  files.close(w)
  return w
end

---To be called when all have run.
machine.clean = files.clean

return machine
