-- C5.9: locals of a task, handed on to those it spawns.

local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

-- Runs f in a task of its own, so that what it sets goes with it.
local function alone(f)
  ml.spawn(f):join()
end

-- C5.9
function spec.test_the_locals_are_a_table_of_the_running_task()
  alone(function()
    ml.locals().user = "x"
    lu.assertIs(ml.locals(), ml.locals())
    lu.assertIs(coroutine.wrap(ml.locals)(), ml.locals())
    ml.yield()
    lu.assertEquals(ml.locals().user, "x")
  end)
  lu.assertNil(ml.locals().user)
end

function spec.test_a_spawned_task_starts_with_its_parents_values()
  alone(function()
    local value = {}
    ml.locals().shared = value
    for _, start in ipairs { ml.spawn, ml.new, ml.detach } do
      local seen
      ml.wait(start(function()
        seen = ml.locals().shared
      end))
      lu.assertIs(seen, value)
    end
    ml.group(function(g)
      g:spawn(function()
        lu.assertIs(ml.locals().shared, value)
        ml.spawn(function() -- and so on
          lu.assertIs(ml.locals().shared, value)
        end):join()
      end)
    end)
  end)
end

function spec.test_what_a_task_sets_is_its_own()
  alone(function()
    ml.locals().name = "parent"
    local child = ml.spawn(function()
      ml.locals().name = "child"
      ml.locals().more = true
      ml.yield()
      return ml.locals().name
    end)
    ml.yield()
    lu.assertEquals(ml.locals().name, "parent")
    lu.assertNil(ml.locals().more)
    lu.assertEquals(child:join(), "child")
  end)
end

function spec.test_a_child_has_the_values_of_the_moment_it_was_spawned()
  alone(function()
    ml.locals().name = "before"
    local child = ml.spawn(function() return ml.locals().name end)
    ml.locals().name = "after"
    lu.assertEquals(child:join(), "before")
  end)
end

function spec.test_a_task_has_none_that_an_ended_one_left()
  for _ = 1, 100 do
    alone(function()
      lu.assertNil(ml.locals().left)
      ml.locals().left = true
    end)
  end
end

-- However full the stack is that the task is made from.
function spec.test_a_task_of_any_number_of_arguments_inherits()
  local function count(...)
    return ml.locals().x, select("#", ...)
  end
  alone(function()
    ml.locals().x = "kept"
    local list = {}
    for n = 0, 60 do
      local id = coroutine.yield(syscall.new(count, table.unpack(list)))
      lu.assertEquals({ ml.wait(id) }, { true, "kept", n })
      list[n + 1] = n
    end
  end)
end

return spec
