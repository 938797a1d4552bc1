-- A yield by C code that is not the runtime's: the last paragraph of C3.3.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

-- Lua's own coroutine.yield, which a script cannot get at but by way of C.
local function foreign_yield()
  for _, name in ipairs { "liblua5.4.so.0", "liblua5.4.so", "liblua.so.5.4" } do
    local open = package.loadlib(name, "luaopen_coroutine")
    if open then
      return open().yield
    end
  end
  return nil
end

local function run(f)
  lu.skipIf(not foreign_yield(), "there is no shared Lua to borrow from")
  return child.run(f)
end

function spec.test_it_ends_the_task_with_efailed_that_names_it()
  local result = run(function()
    local log = {}
    local task = ml.spawn(function()
      local _ <close> = closing(log, "closed")
      pcall(foreign_yield(), "a value")
      table.insert(log, "not reached")
    end)
    local ok, err = task:wait()
    lu.assertNil(ok)
    lu.assertEquals(err.code, "EFAILED")
    lu.assertStrContains(err.value, "lua_yield")
    lu.assertStrContains(err.traceback, "foreign_spec.lua")
    lu.assertEquals(task:status(), "failed")
    lu.assertEquals(log, { "closed" })
    ml.sleep(0)
    print "went on"
  end)
  lu.assertEquals(result.err, "")
  lu.assertEquals(result.out, "went on\n")
  lu.assertEquals(result.status, 0)
end

function spec.test_the_function_that_yielded_is_named()
  local result = run(function()
    local suspend = foreign_yield()
    local task = ml.spawn(function()
      suspend()
      print "not reached"
    end)
    local _, err = task:wait()
    lu.assertStrContains(err.value, "(lua_yield in 'suspend')")
  end)
  lu.assertEquals(result.err, "")
  lu.assertEquals(result.status, 0)
end

function spec.test_it_is_reported_when_nobody_waits()
  local result = run(function()
    ml.new(foreign_yield())
    ml.sleep(0)
    print "went on"
  end)
  lu.assertStrMatches(result.err, "miniloop: task 2 failed: [^\n]*lua_yield.*")
  lu.assertEquals(result.out, "went on\n")
  lu.assertEquals(result.status, 1)
end

function spec.test_of_the_main_task_it_is_the_end()
  local result = run(function()
    ml.new(function()
      local _ <close> = closing({}, "", function(err)
        print(err.code)
      end)
      ml.sleep(math.huge)
    end)
    ml.yield()
    foreign_yield()()
    print "not reached"
  end)
  lu.assertStrContains(result.err, "task 1 failed")
  lu.assertEquals(result.out, "ECANCELED\n")
  lu.assertEquals(result.status, 1)
end

function spec.test_inside_a_coroutine_it_goes_to_the_consumer()
  local result = run(function()
    print(coroutine.wrap(foreign_yield())(1, 2))
  end)
  lu.assertEquals(result.err, "")
  lu.assertEquals(result.out, "1\t2\n")
end

-- The runtime tells its own yields from others by whether the task waits, not
-- by what is yielded: that can be got at, by the debug library.
function spec.test_what_a_system_call_yields_is_of_no_use_to_others()
  local result = child.run(function()
    local generator = coroutine.create(ml.sleep)
    ml.spawn(coroutine.resume, generator, 0)
    ml.yield()
    local _, mark = debug.getlocal(generator, 0, 2)
    assert(type(mark) == "userdata")
    local task = ml.spawn(coroutine.wrap(function()
      coroutine.yield(mark)
    end))
    local ok, err = task:wait(1)
    print(ok, err.code, task:status())
  end)
  lu.assertEquals(result.err, "")
  lu.assertEquals(result.out, "nil\tEFAILED\tfailed\n")
end

-- It is at its end already when the member of a group of its own kills the
-- owner of the group that it is in itself.
function spec.test_it_ends_once_when_its_owner_is_killed_meanwhile()
  local result = run(function()
    local log, owner = {}, nil
    owner = ml.spawn(ml.group, function(outer)
      outer:spawn(function()
        local _ <close> = closing(log, "suspended")
        ml.group(function(inner)
          inner:spawn(function()
            local _ <close> = closing(log, "member", function()
              owner:kill()
            end)
            ml.sleep(math.huge)
          end)
          ml.yield()
          foreign_yield()()
        end)
      end)
      local _ <close> = closing(log, "owner")
      ml.sleep(math.huge)
    end)
    owner:wait()
    print(owner:status(), table.concat(log, " "))
    assert(require "miniloop.core".check())
  end)
  lu.assertEquals(result.err, "")
  lu.assertEquals(result.out, "cancelled\tmember suspended owner\n")
end

return spec
