-- Random programs, of which the core's invariants hold after each step, and
-- what the contract says of values, locks, times and ends. See run.lua.
--
-- ML_SIM_SEEDS and ML_SIM_FIRST say how many, and from which seed on. Each
-- poller of the suite has seeds of its own, for the programs run on the
-- simulated one in any case.

local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local program = require "spec.sim.program"

local spec = {}

local SEEDS = math.tointeger(os.getenv("ML_SIM_SEEDS")) or 7000

local shares = { select = 0, auto = 1, epoll = 2 }

local function first_seed()
  local share = shares[os.getenv("ML_SPEC_POLLER") or "auto"] or 3
  return (math.tointeger(os.getenv("ML_SIM_FIRST")) or 1) + share * SEEDS
end

-- Runs the driver by the stock interpreter.
local function drive(...)
  return child.run(function(...)
    local words = { [0] = "spec/sim/run.lua", ... }
    local env = setmetatable({ arg = words }, { __index = _G })
    assert(loadfile(words[0], "t", env))()
  end, { stock = true, args = { ... }, limit = 300 })
end

-- The seed that a process was at when it died or hung.
local function last_seed(result)
  local last = result.out:match(".*at seed (%d+)\n")
  local again = drive("--first=" .. (last or first_seed()), "--seeds=1001",
    "--each")
  return again.out:match(".*at seed (%d+)\n")
end

function spec.test_random_programs_keep_the_invariants()
  local result = drive("--first=" .. first_seed(), "--seeds=" .. SEEDS)
  if result.status == 1 then
    lu.fail(result.out ~= "" and result.out or result.err)
  elseif result.status ~= 0 then
    lu.fail(("seed %s ends the process: status %s, signal %s\n%s"):format(
      last_seed(result), result.status, result.signal, result.err))
  end
  lu.assertStrContains(result.out, SEEDS .. " programs, ")
end

function spec.test_a_seed_means_one_program()
  for seed = 1, 20 do
    lu.assertEquals(program.text(program.make(seed)),
      program.text(program.make(seed)))
  end
  lu.assertNotEquals(program.text(program.make(1)),
    program.text(program.make(2)))
end

-- Eight tasks that can be woken at once, in the order of the poller.
local function order_of(seed)
  return child.run(function()
    local order, ends = {}, {}
    for i = 1, 8 do
      local stream
      stream, ends[i] = net.pair()
      ml.spawn(function()
        stream:read(1)
        table.insert(order, i)
      end)
    end
    ml.yield()
    for i = 1, 8 do
      ends[i]:write("x")
    end
    ml.sleep(1)
    print(table.concat(order, " "))
  end, { poller = "sim", virtual = true, options = "--seed=" .. seed }).out
end

function spec.test_the_order_of_the_poller_is_that_of_the_seed()
  lu.assertEquals(order_of(1), order_of(1))
  lu.assertNotEquals(order_of(1), order_of(2))
end

-- How often an operation stands in a body, at any depth.
local function count(body, name)
  local n = 0
  for _, op in ipairs(body or {}) do
    n = n + (op[1] == name and 1 or 0) + count(op.body, name)
      + count(op.clean, name)
  end
  return n
end

function spec.test_a_program_shrinks_to_what_makes_it_fail()
  for seed = 1, 40 do
    local p = program.make(seed)
    local function fails()
      return count(p.main, "send") > 0 and count(p.main, "recv") > 0
    end
    if fails() then
      program.shrink(p, fails)
      lu.assertEquals(count(p.main, "send"), 1)
      lu.assertEquals(count(p.main, "recv"), 1)
      lu.assertTrue(#p.main <= 2)
    end
  end
end

return spec
