-- Programs of tasks, made of the input instead of dice: the operations and the
-- invariants are those of spec/sim. The core's own are checked after each step.

require "miniloop" -- gives the runtime's `coroutine`
local machine = require "spec.sim.machine"
local program = require "spec.sim.program"

-- Dice that fall as the bytes say. Behind the last byte they go on, but always
-- the same way: a program must come to an end.
local function dice(bytes)
  local at, state = 0, #bytes
  return function(n)
    at = at + 1
    local value = bytes:byte(at)
    if not value then
      state = (state * 6364136223846793005 + 1442695040888963407)
      value = state >> 33
    end
    return value % n
  end
end

-- An operation takes three bytes or so: a short input is a short program.
return function(bytes)
  local p = program.make(1, dice(bytes), #bytes // 3)
  local w = machine.run(p)
  if w.violation then
    error(tostring(w.violation) .. "\n" .. program.text(p), 0)
  end
end
