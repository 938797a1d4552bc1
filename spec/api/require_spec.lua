-- require inside of tasks: the second paragraph of C2.5.

local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

local names = {}

-- Makes a module that `loader` loads, for this test.
local function module(name, loader)
  name = "spec_module." .. name
  package.preload[name] = loader
  table.insert(names, name)
  return name
end

function spec.after_each()
  for _, name in ipairs(names) do
    package.preload[name] = nil
    package.loaded[name] = nil
  end
  names = {}
end

-- --------------------------------------------------------------------- loading

function spec.test_a_module_may_block_while_it_loads()
  local got
  local name = module("blocks", function(...)
    got = table.pack(...)
    ml.sleep(0)
    return {
      coroutine.wrap(function()
        ml.yield()
        coroutine.yield("value")
      end)(),
    }
  end)
  local value, extra = require(name)
  lu.assertEquals(value, { "value" })
  lu.assertEquals(extra, ":preload:")
  lu.assertEquals(got, { n = 2, name, ":preload:" })
  lu.assertIs(require(name), value)
  lu.assertIs(package.loaded[name], value)
end

function spec.test_a_second_task_waits_for_the_first()
  local loads = 0
  local go = ml.event()
  local name = module("once", function()
    loads = loads + 1
    go:wait()
    return { "the module" }
  end)
  local tasks = {}
  for i = 1, 5 do
    tasks[i] = ml.spawn(require, name)
  end
  ml.yield()
  ml.yield()
  for _, task in ipairs(tasks) do
    lu.assertEquals(task:status(), "waiting")
  end
  go:set()
  local value = require(name)
  for _, task in ipairs(tasks) do
    lu.assertIs(task:join(), value)
  end
  lu.assertEquals(loads, 1)
end

function spec.test_other_modules_load_meanwhile()
  local slow = module("slow", function()
    ml.sleep(math.huge)
  end)
  local quick = module("quick", function()
    ml.sleep(0)
    return "quick"
  end)
  local task = ml.spawn(require, slow)
  ml.yield()
  lu.assertEquals(require(quick), "quick")
  lu.assertIs(require "miniloop", ml)
  task:kill()
end

function spec.test_a_module_may_require_others_that_block()
  local leaf = module("leaf", function()
    ml.sleep(0)
    return "leaf"
  end)
  local left = module("left", function()
    return "left " .. require(leaf)
  end)
  local right = module("right", function()
    ml.yield()
    return "right " .. require(leaf)
  end)
  local top = module("top", function()
    return require(left) .. " " .. require(right)
  end)
  local first, second = ml.spawn(require, top), ml.spawn(require, right)
  lu.assertEquals((first:join()), "left leaf right leaf")
  lu.assertEquals((second:join()), "right leaf")
end

function spec.test_require_blocks_inside_a_generator()
  local name = module("generator", function()
    ml.sleep(0)
    return "loaded"
  end)
  lu.assertEquals(coroutine.wrap(function()
    coroutine.yield((require(name)))
  end)(), "loaded")
end

-- -------------------------------------------------------------- loads that end

function spec.test_a_killed_load_starts_anew_in_the_next()
  local loads = 0
  local name = module("killed", function()
    loads = loads + 1
    ml.sleep(loads == 1 and math.huge or 0)
    return "load " .. loads
  end)
  local first = ml.spawn(require, name)
  ml.yield()
  local second, third = ml.spawn(require, name), ml.spawn(require, name)
  ml.yield()
  first:kill()
  lu.assertEquals((second:join()), "load 2")
  lu.assertEquals((third:join()), "load 2")
  lu.assertEquals(loads, 2)
end

function spec.test_a_cancelled_load_starts_anew_too()
  local loads = 0
  local name = module("cancelled", function()
    loads = loads + 1
    ml.sleep(loads == 1 and math.huge or 0)
    return "load " .. loads
  end)
  local first = ml.spawn(require, name)
  ml.yield()
  first:cancel()
  lu.assertEquals((require(name)), "load 2")
  lu.assertEquals(select(2, first:wait()).code, "ECANCELED")
end

function spec.test_a_failed_load_is_the_requirers_and_starts_anew()
  local loads = 0
  local name = module("fails", function()
    loads = loads + 1
    ml.sleep(0)
    if loads == 1 then
      error("cannot load", 0)
    end
    return "load " .. loads
  end)
  local first, second = ml.spawn(require, name), ml.spawn(require, name)
  lu.assertEquals(select(2, first:wait()).value, "cannot load")
  lu.assertEquals((second:join()), "load 2")
end

function spec.test_who_waits_for_a_load_may_be_killed()
  local name = module("waited_for", function()
    ml.sleep(0.001)
    return "fine"
  end)
  local first, second = ml.spawn(require, name), ml.spawn(require, name)
  ml.yield()
  second:kill()
  lu.assertEquals((first:join()), "fine")
  lu.assertEquals((require(name)), "fine")
end

-- ---------------------------------------------------------------------- cycles

local function assert_loop(ok, message, chain)
  lu.assertFalse(ok)
  lu.assertStrContains(message, "loop in require")
  local at = 1
  for _, name in ipairs(chain) do
    local first, last = message:find(name, at, true)
    lu.assertNotNil(first, message)
    at = last
  end
end

function spec.test_a_module_that_requires_itself_is_told()
  local name
  name = module("itself", function()
    return require(name)
  end)
  local ok, message = pcall(require, name)
  assert_loop(ok, message, { name, name })
  lu.assertNotStrContains(message, "require.lua")
end

function spec.test_a_cycle_of_requires_raises_with_its_chain()
  local a, b, c
  a = module("cycle_a", function()
    ml.sleep(0)
    require(b)
  end)
  b = module("cycle_b", function()
    ml.sleep(0)
    require(c)
  end)
  c = module("cycle_c", function()
    ml.sleep(0)
    require(a)
  end)
  local ok, message = pcall(require, a)
  assert_loop(ok, message, { a, b, c, a })
  lu.assertNil(package.loaded[a])
end

function spec.test_a_cycle_over_two_tasks_raises_in_the_one_that_closes_it()
  local a, b
  a = module("ring_a", function()
    ml.yield()
    return "a " .. tostring(pcall(require, b))
  end)
  b = module("ring_b", function()
    ml.yield()
    return "b " .. tostring(pcall(require, a))
  end)
  local first, second = ml.spawn(require, a), ml.spawn(require, b)
  -- The first waits for b; the second would close the ring, and goes on.
  lu.assertEquals((second:join()), "b false")
  lu.assertEquals((first:join()), "a true")
end

function spec.test_a_cycle_over_two_tasks_names_its_members()
  local a, b
  a = module("pair_a", function()
    ml.yield()
    require(b)
  end)
  local inner = module("pair_inner", function()
    ml.yield()
    require(a)
  end)
  b = module("pair_b", function()
    require(inner)
  end)
  local first, second = ml.spawn(require, a), ml.spawn(require, b)
  local _, err = second:wait()
  assert_loop(false, err.value, { a, b, inner, a })
  first:wait()
end

function spec.test_waiting_for_a_load_without_a_cycle_is_none()
  local slow = module("no_cycle_slow", function()
    ml.sleep(0.001)
    return "slow"
  end)
  local user = module("no_cycle_user", function()
    return "user of " .. require(slow)
  end)
  local first, second = ml.spawn(require, slow), ml.spawn(require, user)
  lu.assertEquals((second:join()), "user of slow")
  lu.assertEquals((first:join()), "slow")
end

-- C4.6
function spec.test_a_deadlock_names_the_module_that_is_waited_for()
  local run = child.run(function()
    package.preload.endless = function()
      ml.sleep(math.huge)
    end
    ml.spawn(require, "endless")
    ml.spawn(function()
      require "endless"
    end)
  end)
  lu.assertEquals(run.status, 13)
  lu.assertStrContains(run.err, "task 3 can never go on: it waits in wait for "
    .. "the module 'endless', which task 2 loads")
end

function spec.test_a_module_not_found_in_a_last_call_blames_no_line_of_ours()
  local name = module("calls_last", function()
    return require "no.such.module"
  end)
  local _, message = pcall(require, name)
  lu.assertEquals(message:match("^[^\n]*"),
    "module 'no.such.module' not found:")
end

-- ------------------------------------------------------------------- as Lua's

local function plain_behaviour()
  local function show(...)
    local words = table.pack(...)
    for i = 1, words.n do
      words[i] = tostring(words[i])
    end
    print(table.concat(words, " "))
  end
  package.path, package.cpath = "./none/?.lua;./none/?/init.lua", "./none/?.so"
  local results = {
    none = nil, no = false, yes = true, number = 42, text = "text",
  }
  for _, name in ipairs { "none", "no", "yes", "number", "text" } do
    package.preload[name] = function(...)
      show(name, ...)
      return results[name]
    end
    show(require(name))
    show(require(name))
    show(package.loaded[name])
  end
  package.preload.sets = function(name)
    package.loaded[name] = "set by itself"
  end
  show(require "sets")
  package.preload.fails = function()
    error("cannot load", 0)
  end
  show(pcall(require, "fails"))
  show(package.loaded.fails)
  show(pcall(require, "no.such.module"))
  show(pcall(function()
    require "no such module"
  end))
  show(pcall(require))
  show(pcall(require, nil))
  show(pcall(require, {}))
  show(pcall(require, 42))
  table.insert(package.searchers, 2, function(name)
    return name == "found" and function(...)
      show("loader", ...)
      return "by searcher"
    end or ("\n\tnot found by mine"), "extra"
  end)
  show(require "found")
  show(pcall(require, "not found"))
  package.searchers = { function() end }
  show(pcall(require, "nothing"))
  package.searchers = nil
  show(pcall(require, "nothing at all"))
end

function spec.test_require_of_modules_that_do_not_block_is_as_luas()
  local stock = child.run(plain_behaviour, { stock = true })
  lu.assertEquals(stock.err, "")
  lu.assertEquals(child.passes(plain_behaviour).out, stock.out)
end

function spec.test_modules_are_found_in_files_of_lua_and_of_c()
  local directory = os.tmpname()
  os.remove(directory)
  assert(os.execute("mkdir " .. directory))
  local path = directory .. "/spec_module_in_a_file.lua"
  local file = assert(io.open(path, "w"))
  file:write("require'miniloop'.sleep(0) return { ... }")
  file:close()
  local before = package.path
  package.path = directory .. "/?.lua;" .. before
  local value, extra = require "spec_module_in_a_file"
  package.path = before
  package.loaded.spec_module_in_a_file = nil
  os.execute("rm -r " .. directory)
  lu.assertEquals(value, { "spec_module_in_a_file", path })
  lu.assertEquals(extra, path)
  local lfs = require "lfs"
  package.loaded.lfs = nil
  local again, where = require "lfs"
  package.loaded.lfs = lfs
  lu.assertEquals(type(again.dir), "function")
  lu.assertStrContains(where, "lfs")
end

-- Lua's own loader finds a part by its name, without the whole having been
-- required; without `require` it cannot.
function spec.test_a_part_is_refused_where_require_is_gone()
  local result = child.run(function()
    local path = assert(package.searchpath("miniloop", package.cpath))
    local open = assert(package.loadlib(path, "luaopen_miniloop_net"))
    print(type(open("miniloop.net").connect))
    local kept = require
    require = nil -- luacheck: ignore
    local ok, message = pcall(open, "miniloop.net")
    require = kept -- luacheck: ignore
    print(ok, message)
  end, { stock = true })
  lu.assertEquals(result.err, "")
  lu.assertStrContains(result.out,
    "'miniloop.net' needs the function 'require'")
  lu.assertStrContains(result.out, "function\n")
end

return spec
