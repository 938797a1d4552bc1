-- Runs random programs and checks that what must hold does: see world.lua.
--
--   lua5.4 spec/sim/run.lua [options]
--
-- By the stock interpreter, for each program has a loop of its own, with a
-- virtual clock and the simulated poller. LUA_CPATH has to lead to the module,
-- as in LUA_CPATH="build/dev/module/?.so;;".

local usage = [[
usage: lua5.4 spec/sim/run.lua [options]
  --first=N    the first seed (1)
  --seeds=N    so many of them (1000)
  --seed=N     this one alone
  --trace      print what happens, step by step
  --no-shrink  print a program that fails as it is
  --each       name each seed before it runs, for one that ends the process
  --twice=N    run each N-th seed twice: both must do the same (10)
  --most=N     stop after so many that fail (1)
]]

local root = arg[0]:match("^(.*/)spec/sim/[^/]*$") or ""
package.path = root .. "?.lua;" .. package.path

require "miniloop" -- gives the runtime's `coroutine`
local machine = require "spec.sim.machine"
local program = require "spec.sim.program"

io.stdout:setvbuf("line")

local function read_arguments(words)
  local options = { first = 1, seeds = 1000, twice = 10, most = 1 }
  for _, word in ipairs(words) do
    local name, value = word:match("^%-%-([%w-]+)=?(%d*)$")
    if not name then
      io.stderr:write(usage)
      os.exit(2)
    end
    options[name] = value == "" and true or math.tointeger(value)
  end
  if options.seed then
    options.first, options.seeds = options.seed, 1
  end
  return options
end

-- What does not hold in a run of the program, or nil; and the trace's hash.
local function fault_of(p)
  local w = machine.run(p)
  return w.violation and tostring(w.violation), w.hash, w.steps
end

local function fault_of_seed(seed, twice)
  local fault, hash, steps = fault_of(program.make(seed))
  if not fault and twice then
    local again, second = fault_of(program.make(seed))
    fault = again
      or hash ~= second and "the same seed gives two traces" or nil
  end
  return fault, steps
end

-- The same fault, but for its numbers.
local function kind_of(fault)
  return fault and fault:gsub("%d+", "N")
end

local function shrink(seed, fault)
  local p = program.make(seed)
  local kind = kind_of(fault)
  program.shrink(p, function()
    return kind_of(fault_of(p)) == kind
  end)
  return p
end

local function tell(seed, fault, options)
  print(("seed %d: %s"):format(seed, fault))
  print(("replay: lua5.4 %s --seed=%d --trace"):format(arg[0], seed))
  local p = program.make(seed)
  if not options["no-shrink"] and fault ~= "the same seed gives two traces" then
    p = shrink(seed, fault)
  end
  print(program.text(p))
  return p
end

local function trace(p)
  local w = machine.run(p, true)
  print(table.concat(w.lines, "\n"))
  print(w.violation and tostring(w.violation) or "all well")
end

-- Tells of a program that fails; what there is to see of one that does not.
local function show(seed, fault, options)
  local p = fault and tell(seed, fault, options) or program.make(seed)
  if options.trace then
    if not fault then
      print(program.text(p))
    end
    trace(p)
  end
end

-- Runs the programs: how many failed, and the operations of all.
local function run_all(options)
  local steps, failed = 0, 0
  for seed = options.first, options.first + options.seeds - 1 do
    if options.each or seed % 1000 == 0 then
      print(("at seed %d"):format(seed))
    end
    local fault, n = fault_of_seed(seed, seed % options.twice == 0)
    steps = steps + n
    failed = failed + (fault and 1 or 0)
    if fault or options.trace then
      show(seed, fault, options)
    end
    if failed == options.most then
      break
    end
  end
  return failed, steps
end

local options = read_arguments(arg)
local started = os.clock()
local failed, steps = run_all(options)
local seconds = os.clock() - started
machine.clean()
if failed == 0 then
  print(("%d programs, %d operations, %.1f s, %.0f programs/s"):format(
    options.seeds, steps, seconds, options.seeds / seconds))
end
os.exit(failed == 0)
