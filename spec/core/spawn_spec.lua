-- New tasks and their ids: C2.4 and C3.new.

local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

-- C3.new
function spec.test_new_answers_the_id_of_a_task_that_calls_the_function()
  local got
  local id = coroutine.yield(syscall.new(function(...)
    got = table.pack(ml.id(), ...)
  end, "a", nil, 3, nil))
  lu.assertEquals(math.type(id), "integer")
  ml.wait(id)
  lu.assertEquals(got, { n = 5, id, "a", nil, 3, nil })
end

function spec.test_the_maker_goes_on_first()
  local order = {}
  local id = ml.new(function()
    table.insert(order, "made")
  end)
  table.insert(order, "maker")
  ml.wait(id)
  lu.assertEquals(order, { "maker", "made" })
end

function spec.test_the_maker_goes_on_first_however_many_it_makes()
  local ran = 0
  local last
  for _ = 1, 500 do
    last = ml.new(function()
      ran = ran + 1
    end)
    lu.assertEquals(ran, 0)
  end
  ml.wait(last)
  lu.assertEquals(ran, 500)
end

function spec.test_a_new_task_is_queued_behind_those_that_are_ready()
  local order = {}
  local function note(name)
    table.insert(order, name)
  end
  local a = ml.spawn(function()
    note "a"
    ml.new(note, "child of a")
    ml.yield()
    note "a again"
  end)
  local b = ml.spawn(note, "b")
  ml.yield()
  note "main"
  a:wait()
  b:wait()
  lu.assertEquals(order, { "a", "b", "main", "child of a", "a again" })
end

function spec.test_tasks_of_one_maker_start_in_the_order_of_their_making()
  local order = {}
  local tasks = {}
  for i = 1, 100 do
    tasks[i] = (i % 2 == 0 and ml.new or ml.spawn)(table.insert, order, i)
  end
  ml.wait(tasks[100])
  for i = 1, 100 do
    lu.assertEquals(order[i], i)
  end
end

-- C2.4
function spec.test_ids_count_from_one_and_one_is_the_main_task()
  child.passes(function()
    lu.assertEquals(ml.id(), 1)
    lu.assertEquals(ml.new(print), 2)
    lu.assertEquals(ml.spawn(print).id, 3)
    lu.assertEquals(coroutine.yield(syscall.new(print)), 4)
  end)
end

function spec.test_ids_ascend_and_are_never_used_again()
  local last = ml.new(print, nil)
  ml.kill(last)
  for i = 1, 300 do
    local task = ml.spawn(i % 3 == 0 and error or type, i)
    lu.assertTrue(task.id > last)
    last = task.id
    if i % 3 == 1 then
      task:kill()
    else
      task:wait()
    end
  end
end

function spec.test_a_spawn_that_is_refused_uses_up_no_id()
  local before = ml.new(type, 1)
  pcall(ml.new, nil)
  pcall(ml.spawn, {})
  lu.assertEquals(ml.new(type, 1), before + 1)
end

function spec.test_many_tasks_may_be_alive_at_once()
  local go = ml.event()
  local sum = 0
  local tasks = {}
  for i = 1, 20000 do
    tasks[i] = ml.spawn(function()
      go:wait()
      sum = sum + i
    end)
  end
  ml.yield()
  go:set()
  for _, task in ipairs(tasks) do
    task:wait()
  end
  lu.assertEquals(sum, 20000 * 20001 // 2)
end

function spec.test_a_task_made_inside_a_coroutine_is_like_any_other()
  local make = coroutine.wrap(function()
    local id = coroutine.yield(syscall.new(function()
      return "made"
    end))
    return { ml.wait(id) }
  end)
  lu.assertEquals(make(), { true, "made" })
end

function spec.test_a_task_inherits_nothing_of_its_makers_stack()
  local task = ml.spawn(function(...)
    return select("#", ...), debug.traceback()
  end)
  local _, count, traceback = task:wait()
  lu.assertEquals(count, 0)
  lu.assertNotStrContains(traceback, "test_a_task_inherits")
end

-- The places of scripts are told from those of our own modules by their names.
function spec.test_a_script_may_have_a_name_that_is_nearly_ours()
  for _, name in ipairs { "@mine.lua", "@miniloops/x.lua", "@m", "=mini" } do
    local spawn = assert(load([[
      local ml = require "miniloop"
      local task = ml.spawn(ml.sleep, 1000)
      return task
    ]], name))
    local task = spawn()
    local spawned
    for _, entry in ipairs(ml.tasks()) do
      spawned = entry.id == task.id and entry.spawned or spawned
    end
    task:kill()
    lu.assertStrContains(spawned, name:sub(2) .. ":2")
  end
end

-- C4.4: the same line, of two files.
function spec.test_each_task_knows_the_file_that_it_was_spawned_in()
  local chunk = "local ml = ...\nlocal task = ml.spawn(ml.sleep, 0)"
  local tasks, spawned = {}, {}
  for _, name in ipairs { "one.lua", "other.lua" } do
    local task = assert(load(chunk .. "return task", "@" .. name))(ml)
    tasks[task.id] = task
  end
  for _, each in ipairs(ml.tasks()) do
    if tasks[each.id] then
      table.insert(spawned, each.spawned:match("^[^\n]*"))
      tasks[each.id]:wait()
    end
  end
  lu.assertEquals(spawned, { "one.lua:2", "other.lua:2" })
end

return spec
