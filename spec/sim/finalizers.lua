-- Finalizers that do something, in random programs.

local calls = require "spec.sim.calls"
local world = require "spec.sim.world"

local violate = world.violate
local run = calls.run

-- An object of which nothing is left but its finalizer.
local function abandon(finalizer)
  setmetatable({}, { __gc = finalizer })
end

-- Does its body in a finalizer, which the collector calls here and nowhere
-- else. There nothing can suspend, and what it kills ends later.
function run.finalize(T, op)
  local w = T.world
  if w.finalizing then
    return
  end
  local done = false
  w.finalizing = true
  abandon(function()
    pcall(calls.clean_up, T, op.body, #T.scopes, #T.groups)
    done = true
  end)
  collectgarbage()
  w.finalizing = false
  w.active = T
  if w.violation then
    error(w.violation, 0)
  elseif not done then
    violate(w, "task %d: the collector forgets a finalizer", T.index)
  end
end
