-- To-be-closed variables of a task that is killed: the second half of C3.6.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local core = require "miniloop.core"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

-- A task that has blocked below a variable that is closed by `handler`.
local function closed_by(handler)
  local task = ml.spawn(function()
    local _ <close> = closing({}, "x", handler)
    ml.sleep(math.huge)
  end)
  ml.yield()
  return task
end

-- What pcall(f, ...) gives while a killed task is being closed.
local function while_closing(f, ...)
  local answer
  local arguments = table.pack(...)
  closed_by(function()
    answer = table.pack(pcall(f, table.unpack(arguments, 1, arguments.n)))
  end):kill()
  return answer
end

-- C3.6: both kills are asked for while a third is carried out.
function spec.test_a_member_whose_own_kill_waits_goes_before_its_owner()
  for _, member_first in ipairs { true, false } do
    local order, member = {}, nil
    local owner = ml.spawn(ml.group, function(g)
      local _ <close> = closing(order, "owner")
      member = g:spawn(function()
        local _ <close> = closing(order, "member")
        ml.sleep(math.huge)
      end)
      ml.sleep(math.huge)
    end)
    ml.yield()
    ml.yield()
    closed_by(function()
      (member_first and member or owner):kill();
      (member_first and owner or member):kill()
    end):kill()
    lu.assertEquals(order, { "member", "owner" })
  end
end

-- C3.6
function spec.test_members_go_first_whatever_block_the_group_is_in()
  local order = {}
  local owner = ml.spawn(ml.timeout, 60, ml.shield, ml.group, function(g)
    local _ <close> = closing(order, "owner")
    g:spawn(ml.timeout, 60, function()
      local _ <close> = closing(order, "member")
      ml.sleep(math.huge)
    end)
    ml.sleep(math.huge)
  end)
  ml.yield()
  ml.yield()
  owner:kill()
  lu.assertEquals(order, { "member", "owner" })
end

-- -------------------------------------------------------- what may be called

function spec.test_a_closing_variable_cannot_suspend()
  for name, call in pairs {
    sleep = function() ml.sleep(0) end,
    yield = function() ml.yield() end,
    wait = function() ml.wait(1 << 40) end,
    wait_io_read = function() ml.wait_io_read(0, 0) end,
  } do
    local answer = while_closing(call)
    lu.assertFalse(answer[1])
    lu.assertStrContains(answer[2], ("cannot call '%s' here"):format(name))
  end
  local answer = while_closing(coroutine.yield, syscall.sleep(0))
  lu.assertStrContains(answer[2], "cannot call 'sleep' here")
  answer = while_closing(coroutine.yield)
  lu.assertStrContains(answer[2], "cannot call 'yield' here")
end

function spec.test_nor_can_a_coroutine_that_it_makes()
  local answer = while_closing(function()
    return coroutine.wrap(function()
      ml.sleep(0)
    end)()
  end)
  lu.assertFalse(answer[1])
  lu.assertStrContains(answer[2], "cannot call 'sleep' here")
end

function spec.test_a_generator_that_does_not_block_works_there()
  local answer = while_closing(function()
    local list = {}
    for i in coroutine.wrap(function()
      for i = 1, 3 do
        coroutine.yield(i)
      end
    end) do
      list[i] = i
    end
    return list
  end)
  lu.assertEquals(answer, { n = 2, true, { 1, 2, 3 } })
end

function spec.test_calls_that_never_block_work_there()
  local id
  local task = closed_by(function()
    id = ml.id()
  end)
  task:kill()
  lu.assertEquals(id, task.id)
  local ran
  local answer = while_closing(ml.new, function()
    ran = true
  end)
  lu.assertTrue(answer[1])
  ml.wait(answer[2])
  lu.assertTrue(ran)
  lu.assertEquals(math.type(while_closing(ml.now)[2]), "float")
end

function spec.test_the_task_counts_as_cancelled_while_it_is_closed()
  local task
  local status
  task = closed_by(function()
    status = task:status()
  end)
  task:kill()
  lu.assertEquals(status, "cancelled")
end

-- ----------------------------------------------------- kills inside of kills

function spec.test_a_kill_inside_a_kill_follows_right_after_it()
  local log = {}
  local second = closed_by(function()
    table.insert(log, "second")
  end)
  local first = ml.spawn(function()
    local _ <close> = closing(log, "first, end")
    local _ <close> = closing(log, "first, begin", function()
      lu.assertEquals({ second:kill() }, { true })
      table.insert(log, "asked for")
    end)
    ml.sleep(math.huge)
  end)
  ml.yield()
  first:kill()
  lu.assertEquals(log,
    { "first, begin", "asked for", "first, end", "second" })
  lu.assertEquals(second:status(), "cancelled")
end

-- C5.6: one that was cancelled before it ran is among them.
function spec.test_the_books_are_right_while_kills_wait()
  local sound, other
  local task = closed_by(function()
    other = ml.spawn(type)
    other:cancel()
    sound = core.check()
  end)
  task:kill()
  lu.assertTrue(sound)
  lu.assertEquals(other:status(), "cancelled")
end

function spec.test_kills_asked_for_follow_in_their_order()
  local log = {}
  local tasks = {}
  for i = 1, 5 do
    tasks[i] = closed_by(function()
      table.insert(log, i)
    end)
  end
  closed_by(function()
    for _, i in ipairs { 3, 1, 5, 2, 4 } do
      tasks[i]:kill()
    end
  end):kill()
  lu.assertEquals(log, { 3, 1, 5, 2, 4 })
end

function spec.test_a_chain_of_ten_thousand_kills_is_an_iteration()
  local closed = 0
  local last
  for _ = 1, 10000 do
    local before = last
    last = ml.spawn(function()
      local _ <close> = setmetatable({}, {
        __close = function()
          closed = closed + 1
          if before then
            before:kill()
          end
        end,
      })
      ml.sleep(math.huge)
    end)
  end
  ml.yield()
  last:kill()
  lu.assertEquals(closed, 10000)
end

function spec.test_two_that_kill_each_other_both_die_once()
  local log = {}
  local a, b
  a = closed_by(function()
    table.insert(log, "a")
    b:kill()
  end)
  b = closed_by(function()
    table.insert(log, "b")
    a:kill()
  end)
  a:kill()
  lu.assertEquals(log, { "a", "b" })
  lu.assertEquals(a:status() .. b:status(), "cancelledcancelled")
end

function spec.test_a_task_that_kills_itself_while_it_is_killed_dies_once()
  local count = 0
  local task
  task = closed_by(function()
    count = count + 1
    task:kill()
    ml.self():kill()
  end)
  task:kill()
  lu.assertEquals(count, 1)
end

function spec.test_the_killer_is_killed_below_on_the_stack()
  local log = {}
  local killer, victim
  victim = closed_by(function()
    table.insert(log, "victim")
    killer:kill()
  end)
  killer = ml.spawn(function()
    local _ <close> = closing(log, "killer")
    victim:kill()
    table.insert(log, "went on")
  end)
  lu.assertEquals(select(2, killer:wait()).code, "ECANCELED")
  lu.assertEquals(log, { "victim", "killer" })
end

function spec.test_a_task_spawned_by_the_closing_is_not_killed_with_it()
  local answer = while_closing(ml.spawn, function()
    ml.yield()
    return "lived"
  end)
  lu.assertEquals({ answer[2]:wait() }, { true, "lived" })
end

-- -------------------------------------------------------------------- errors

function spec.test_an_error_in_closing_is_reported_and_the_others_still_run()
  local result = child.run(function()
    local log = {}
    local task = ml.spawn(function()
      local _ <close> = closing(log, "first")
      local _ <close> = closing(log, "second", function()
        error "boom"
      end)
      local _ <close> = closing(log, "third")
      ml.sleep(math.huge)
    end)
    ml.yield()
    task:kill()
    lu.assertEquals(log, { "third", "second", "first" })
    lu.assertEquals(select(2, task:wait()).code, "ECANCELED")
    print "went on"
  end)
  lu.assertStrMatches(result.err, "miniloop: task 2, while it was being "
    .. "closed: [^\n]*kill_close_spec%.lua:%d+: boom\n.*")
  lu.assertEquals(result.out, "went on\n")
  lu.assertEquals(result.status, 1)
end

function spec.test_an_error_in_closing_a_nested_coroutine_is_reported_too()
  local result = child.run(function()
    local log = {}
    local task = ml.spawn(function()
      local _ <close> = closing(log, "task")
      coroutine.wrap(function()
        local _ <close> = closing(log, "inner", function()
          error("inner boom", 0)
        end)
        ml.sleep(math.huge)
      end)()
    end)
    ml.yield()
    task:kill()
    lu.assertEquals(log, { "inner", "task" })
  end)
  lu.assertStrContains(result.err, "while it was being closed: inner boom")
  lu.assertEquals(result.status, 1)
end

function spec.test_an_error_in_closing_that_has_no_text_is_reported()
  local result = child.run(function()
    closed_by(function()
      error(setmetatable({}, {
        __tostring = function()
          error "no text"
        end,
      }))
    end):kill()
    closed_by(function()
      error(nil)
    end):kill()
    print "went on"
  end)
  lu.assertStrContains(result.err, "task 2, while it was being closed")
  lu.assertStrContains(result.err, "task 3, while it was being closed")
  lu.assertEquals(result.out, "went on\n")
  lu.assertEquals(result.status, 1)
end

function spec.test_blocking_in_closing_is_reported_with_the_calls_name()
  local result = child.run(function()
    closed_by(function()
      ml.sleep(1)
    end):kill()
  end)
  lu.assertStrContains(result.err, "cannot call 'sleep' here")
  lu.assertEquals(result.status, 1)
end

-- ----------------------------------------------------------- at the very end

function spec.test_at_a_deadlock_all_are_closed_youngest_first()
  local result = child.run(function()
    for i = 1, 3 do
      ml.new(function()
        local _ <close> = closing({}, "", function()
          print(i)
        end)
        ml.sleep(math.huge)
      end)
    end
  end)
  lu.assertEquals(result.out, "3\n2\n1\n")
  lu.assertEquals(result.status, 13)
end

return spec
