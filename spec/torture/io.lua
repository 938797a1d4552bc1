-- The specs on a system that is as difficult as it may be: see usage.

local usage = [[
usage: ./dev torture io [MODE ...] [--poller=NAME] [options] [PATTERN ...]
  short      streams and files give and take a byte at a time, for a while
  eagain     descriptors that do not block say EAGAIN now and then
  eintr      every third call that a signal may interrupt is interrupted
  one_event  pollers tell of one descriptor at a time
  spurious   pollers return early, and tell of what is not ready
All of them, and under select and epoll, unless told otherwise.
  --sample=N   of so many cases, chosen by the seed
  --seed=N     (1)
  --limit=S    seconds for a case (100; the longest takes thirty)
  --left-out   the cases that are left out, and no others
  -v           prints each case before it runs
PATTERN is a Lua pattern of the names of cases, as for spec/run.lua. What is
left out, and why, is told by spec/torture/io_left_out.lua.]]

package.path = "?.lua;" .. package.path

local is_named = require "spec.torture.lib.named"
local left_out = require "spec.torture.io_left_out"
local ml = require "miniloop"
local runner = require "spec.support.runner"
local words = require "spec.torture.lib.words"

local kinds = {
  sample = "number", seed = "number", limit = "number",
  ["left-out"] = "flag", v = "flag",
}

local function read_arguments()
  local options, rest = words.options(arg, kinds, usage)
  options.mode = table.remove(rest, 1)
  if not left_out[options.mode] then
    words.refuse(("there is no mode %q"):format(options.mode), usage)
  end
  options.patterns = rest
  options.seed, options.limit = options.seed or 1, options.limit or 100
  return options
end

local function is_left_out(mode, name)
  for _, group in ipairs(left_out[mode]) do
    if is_named(group, name) then
      return true
    end
  end
  return false
end

-- A case that waits in vain costs the others nothing.
local function bounded(test, limit)
  local run = test.run
  function test.run()
    local _, err = ml.timeout(limit, run)
    if ml.iserror(err) and err.op == "timeout" then
      error(("not done after %g s"):format(limit), 0)
    end
  end
  return test
end

-- The cases that are wanted, and how many are left out.
local function collect(options)
  local tests, left = {}, 0
  for _, path in ipairs(runner.find "") do
    for _, test in ipairs(runner.load("", path)) do
      if runner.matches(test.name, options.patterns) then
        local out = is_left_out(options.mode, test.name)
        if out == (options["left-out"] ~= nil) then
          tests[#tests + 1] = bounded(test, options.limit)
        else
          left = left + 1
        end
      end
    end
  end
  return tests, left
end

-- So many of the list, by the seed.
local function sample(tests, options)
  math.randomseed(options.seed)
  for i = 1, math.min(options.sample or 0, #tests) do
    local j = math.random(i, #tests)
    tests[i], tests[j] = tests[j], tests[i]
  end
  return table.move(tests, 1, math.min(options.sample or #tests, #tests), 1, {})
end

io.stdout:setvbuf "line"
local options = read_arguments()
local tests, left = collect(options)
if #tests + left == 0 then
  words.refuse("there is no case of such a name")
end
print(("--seed=%d; %d cases left out"):format(options.seed, left))
local good = runner.run(sample(tests, options),
  { rounds = 1, verbose = options.v })
if not good then
  os.exit(1)
end
