-- Finds and loads spec files, runs tests one after the other, and tells how
-- they went. See spec/run.lua. Assertions are luaunit's; the running is done
-- here, for the order by seed, the check for leftovers, and clean-up that
-- reports as well.

local lfs = require "lfs"
local lu = require "luaunit"
local ml = require "miniloop"
local leftovers = require "spec.support.leftovers"

local runner = {}

-- -------------------------------------------------------------------- find

local function add_specs(root, path, found)
  local names = {}
  for name in lfs.dir(root .. path) do
    if name:sub(1, 1) ~= "." then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local inner = path .. "/" .. name
    if lfs.attributes(root .. inner, "mode") == "directory" then
      add_specs(root, inner, found)
    elseif name:match("_spec%.lua$") then
      found[#found + 1] = inner
    end
  end
end

-- The paths of the spec files under `root`, in order.
function runner.find(root)
  local found = {}
  add_specs(root, "spec", found)
  return found
end

-- Whether a test's name fits one of the patterns, or there are none.
function runner.matches(name, patterns)
  for _, pattern in ipairs(patterns) do
    if name:find(pattern) then
      return true
    end
  end
  return #patterns == 0
end

-- -------------------------------------------------------------------- load

local function failing_test(suite, message)
  local function fail()
    error(message, 0)
  end
  return { { name = suite .. ".load", path = suite, run = fail } }
end

-- A misspelt name would be a test that never runs.
local function unknown_field(spec)
  for name, value in pairs(spec) do
    local known = name == "before_each" or name == "after_each"
      or type(name) == "string" and name:match("^test_")
    if not known or type(value) ~= "function" then
      return name
    end
  end
  return nil
end

-- The tests of a spec file by name. A file that cannot be loaded is a test
-- that fails.
function runner.load(root, path)
  local suite = path:gsub("^spec/", ""):gsub("_spec%.lua$", "")
  local chunk, message = loadfile(root .. path)
  if not chunk then
    return failing_test(suite, message)
  end
  local ok, spec = xpcall(chunk, debug.traceback)
  if not ok then
    return failing_test(suite, spec)
  elseif type(spec) ~= "table" then
    return failing_test(suite, path .. ": must return a table of tests")
  end
  local stray = unknown_field(spec)
  if stray ~= nil then
    return failing_test(suite,
      ("%s: %s is no test_*, before_each or after_each"):format(path, stray))
  end
  local tests = {}
  for name, test in pairs(spec) do
    if name:match("^test_") then
      tests[#tests + 1] = {
        name = suite .. "." .. name,
        before = spec.before_each, run = test, after = spec.after_each,
      }
    end
  end
  table.sort(tests, function(a, b)
    return a.name < b.name
  end)
  return tests
end

-- --------------------------------------------------------------------- run

-- Bytes of a message: luaunit takes seconds to look at one of 64 KiB.
local longest = 4000

-- What luaunit raises are strings that begin with its marks, and prettystr
-- shows a table's fields; an error object says best itself what it is.
local function describe(err)
  local meta = debug.getmetatable(err)
  if type(err) == "string" then
    return #err <= longest and err or err:sub(1, longest) .. " ..."
  elseif meta and meta.__tostring then
    return tostring(err)
  end
  return err
end

-- The traceback without the levels of luaunit, and of this file and below.
local function trace()
  return (debug.traceback("", 3)
    :gsub("\n[^\n]*%[C%]: in function 'xpcall'\n[^\n]*runner%.lua.*", "")
    :gsub("\n[^\n]*luaunit%.lua[^\n]*", ""))
end

-- What a test that raised `err` came to: { message =, skipped =, success = }.
function runner.explain(err)
  local message, status = lu.adjust_err_msg_with_iter(describe(err))
  return {
    message = message,
    skipped = status == lu.NodeStatus.SKIP,
    success = status == lu.NodeStatus.SUCCESS,
  }
end

local function catch(err)
  local trouble = runner.explain(err)
  if not trouble.skipped and not trouble.success then
    trouble.message = trouble.message .. trace()
  end
  return trouble
end

-- nil when f went well, else { message =, skipped = }.
local function try(f)
  local ok, trouble = xpcall(f, catch)
  if ok or trouble.success then
    return nil
  end
  return trouble
end

-- The trouble that comes first counts; clean-up runs after any. Each test has
-- a turn of its own, with all the calls that may succeed at once in one.
local function run_test(test)
  local before = leftovers.snapshot()
  ml.yield()
  local trouble = test.before and try(test.before)
  trouble = trouble or try(test.run)
  local cleanup = test.after and try(test.after)
  trouble = trouble or cleanup
  local left = leftovers.since(before)
  if left and not (trouble and not trouble.skipped) then
    trouble = { message = "left behind: " .. left }
  end
  return trouble
end

-- ------------------------------------------------------------------ report

local function report(test, trouble, seconds, verbose)
  local word = "ok"
  if trouble then
    word = trouble.skipped and "skip: " .. trouble.message or "FAIL"
  end
  if verbose then
    print(("%s (%.3f s)"):format(word, seconds))
  end
  if trouble and not trouble.skipped then
    print("FAIL " .. test.name)
    print("  " .. trouble.message:gsub("\n", "\n  "))
  end
end

local function shuffle(tests, seed)
  math.randomseed(seed)
  for i = #tests, 2, -1 do
    local j = math.random(i)
    tests[i], tests[j] = tests[j], tests[i]
  end
end

local function run_round(tests, counts, options)
  local verbose = options.verbose
  for _, test in ipairs(tests) do
    if options.stop and counts.failed > 0 then
      return
    end
    if verbose then
      io.write(test.name, " ... ")
      io.flush() -- so that a test that hangs or crashes can be named
    end
    local start = ml.now()
    local trouble = run_test(test)
    report(test, trouble, ml.now() - start, verbose)
    local kind = "passed"
    if trouble then
      kind = trouble.skipped and "skipped" or "failed"
    end
    counts[kind] = counts[kind] + 1
  end
end

-- Runs the tests as the options say; true when none failed.
function runner.run(tests, options)
  local counts = { passed = 0, failed = 0, skipped = 0 }
  for round = 1, options.rounds do
    if options.seed then
      local seed = options.seed + round - 1
      print(("order of --seed=%d"):format(seed))
      shuffle(tests, seed)
    end
    run_round(tests, counts, options)
  end
  print(("%d passed, %d failed, %d skipped"):format(
    counts.passed, counts.failed, counts.skipped))
  return counts.failed == 0
end

return runner
