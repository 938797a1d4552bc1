-- The calls of the C library that the runtime makes, and those that can be made
-- to fail: none is forgotten. The cases that are named with a reason are there.

local is_named = require "spec.torture.lib.named"
local left_out = require "spec.torture.io_left_out"
local lu = require "luaunit"
local passed_over = require "spec.torture.passed_over"
local runner = require "spec.support.runner"
local shell = require "spec.support.shell"
local unwrapped = require "spec.torture.unwrapped"

local spec = {}

-- Those of ours, of Lua, and of compilers and their tools.
local foreign = {
  "^ml_", "^luaL?_", "^luaopen_", "^_GLOBAL", "^__stack", "^__[aut]+san",
  "^__ubsan", "^__gcov", "^__llvm", "^__sanitizer",
}

local function is_foreign(name)
  for _, pattern in ipairs(foreign) do
    if name:find(pattern) then
      return true
    end
  end
  return false
end

-- What the objects of the build need and do not define: name -> true.
local function needed()
  shell.need("nm")
  local objects = ("find %s -name '*.o' -path '*miniloop*/runtime/*'")
    :format(shell.quote(shell.build("ML_BUILD")))
  local names = {}
  for name in shell.run(objects .. " | xargs nm -u"):gmatch "U ([%w_]+)" do
    if not is_foreign(name) then
      names[name] = true
    end
  end
  return names
end

-- The calls that are wrapped: name -> true.
local function wrapped()
  local names = {}
  local source = shell.quote(shell.build("ML_SOURCE"))
  local text = shell.run("cat " .. source .. "/spec/torture/wrap_*.c")
  for _, pattern in ipairs {
    "__wrap_([%w_]+)", "FAULT_WRAP%(([%w_]+)", "FAULT_WRAP_CODE%(([%w_]+)",
  } do
    for name in text:gmatch(pattern) do
      names[name] = true
    end
  end
  return names
end

function spec.test_every_call_can_be_made_to_fail_or_has_a_reason()
  local known, missing = wrapped(), {}
  for name in pairs(needed()) do
    if not known[name] and not unwrapped[name] then
      missing[#missing + 1] = name
    end
  end
  table.sort(missing)
  lu.assertEquals(missing, {})
end

function spec.test_no_reason_is_given_for_what_can_be_made_to_fail()
  local known = wrapped()
  lu.assertTrue(known.read and known.listen and known.pthread_create)
  for name in pairs(unwrapped) do
    lu.assertNil(known[name], name)
  end
end

-- ------------------------------------------------------------------ the cases

-- The names of all cases, as the sources have them.
local function all_cases()
  local root, names = shell.build("ML_SOURCE") .. "/", {}
  for _, path in ipairs(runner.find(root)) do
    local suite = path:match("^spec/(.*)_spec%.lua$")
    for line in io.lines(root .. path) do
      local name = line:match("^function spec%.(test_[%w_]+)")
        or line:match("^spec%.(test_[%w_]+)")
      table.insert(names, name and suite .. "." .. name)
    end
  end
  return names
end

local function find_any(names, pattern)
  for _, name in ipairs(names) do
    if is_named({ pattern }, name) then
      return true
    end
  end
  return false
end

function spec.test_a_case_that_is_named_with_a_reason_is_there()
  local groups, names = {}, all_cases()
  for _, group in ipairs(passed_over) do
    table.insert(groups, group.cases)
  end
  for _, lists in pairs(left_out) do
    table.move(lists, 1, #lists, #groups + 1, groups)
  end
  for _, group in ipairs(groups) do
    for _, pattern in ipairs(group) do
      lu.assertTrue(find_any(names, pattern), pattern)
    end
  end
end

return spec
