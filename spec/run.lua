-- Runs the specs: every spec/**/*_spec.lua, inside the runtime that they test.
--
--   miniloop [--poller=NAME] spec/run.lua [options] [PATTERN ...]
--
-- A spec file returns a table of functions. Those named test_* are the tests;
-- before_each and after_each, if given, run around each of them. A test is
-- named after its file, core/park.test_name; a PATTERN is a Lua pattern that
-- its name must match (more of them in ML_SPEC_ONLY, for those who cannot reach
-- the command line). What a test leaves behind (descriptors, tasks) fails it.

local usage = [[
usage: miniloop spec/run.lua [options] [PATTERN ...]
  --list       print the names of the tests and stop
  --shuffle    run in random order; the seed is printed
  --seed=N     run in the random order of this seed
  --repeat=N   run the whole N times, in a new order each if shuffled
  --stop       stop at the first test that fails
  --without=P  leave out the tests whose names match the Lua pattern P
  -v           print each test before it runs, and how long it took
]]

local root = arg[0]:match("^(.*/)spec/[^/]*$") or ""
package.path = root .. "?.lua;" .. package.path

local runner = require "spec.support.runner"

local handlers = {
  ["^%-%-list$"] = function(options)
    options.list = true
  end,
  ["^%-%-shuffle$"] = function(options)
    options.seed = options.seed or os.time()
  end,
  ["^%-%-seed=(%d+)$"] = function(options, n)
    options.seed = math.tointeger(n)
  end,
  ["^%-%-repeat=(%d+)$"] = function(options, n)
    options.rounds = math.tointeger(n)
  end,
  ["^%-%-stop$"] = function(options)
    options.stop = true
  end,
  ["^%-%-without=(.+)$"] = function(options, pattern)
    table.insert(options.without, pattern)
  end,
  ["^%-v$"] = function(options)
    options.verbose = true
  end,
}

local function read_option(options, word)
  for pattern, handle in pairs(handlers) do
    local value = word:match(pattern)
    if value then
      return handle(options, value)
    end
  end
  io.stderr:write("unknown option: ", word, "\n", usage)
  os.exit(2)
end

local function read_arguments(words)
  local options = { rounds = 1, patterns = {}, without = {} }
  for pattern in (os.getenv("ML_SPEC_ONLY") or ""):gmatch("%S+") do
    table.insert(options.patterns, pattern)
  end
  for _, word in ipairs(words) do
    if word:sub(1, 1) == "-" then
      read_option(options, word)
    else
      table.insert(options.patterns, word)
    end
  end
  return options
end

local function is_wanted(name, options)
  return runner.matches(name, options.patterns)
    and not (#options.without > 0 and runner.matches(name, options.without))
end

-- False for a file that need not be read: none of its tests begins as the
-- patterns do.
local function may_have_wanted(path, patterns)
  local suite = path:gsub("^spec/", ""):gsub("_spec%.lua$", "") .. "."
  for _, pattern in ipairs(patterns) do
    local start = pattern:match("^%^([%w_/]*)")
    local n = start and math.min(#start, #suite)
    if not start or start:sub(1, n) == suite:sub(1, n) then
      return true
    end
  end
  return #patterns == 0
end

local function spec_files(options)
  local files = {}
  for _, path in ipairs(runner.find(root)) do
    if may_have_wanted(path, options.patterns) then
      files[#files + 1] = path
    end
  end
  return files
end

local function collect(options)
  local tests = {}
  for _, path in ipairs(spec_files(options)) do
    for _, test in ipairs(runner.load(root, path)) do
      if is_wanted(test.name, options) then
        tests[#tests + 1] = test
      end
    end
  end
  return tests
end

local function list(tests)
  for _, test in ipairs(tests) do
    print(test.name)
  end
end

io.stdout:setvbuf("line")
local options = read_arguments(arg)
local tests = collect(options)
if options.list then
  return list(tests)
end
if #tests == 0 then
  io.stderr:write("no test matches\n")
  os.exit(1)
end
if not runner.run(tests, options) then
  -- Not a plain return: a failed test may have left tasks that never end.
  os.exit(1)
end
