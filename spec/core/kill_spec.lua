-- Kill: C3.6 and C3.kill. What happens inside __close is in kill_close_spec.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local core = require "miniloop.core"
local lu = require "luaunit"
local ml = require "miniloop"
local pipe = require "spec.support.pipe"

local spec = {}

-- A task that has run until it blocks in f(...).
local function blocked_in(f, ...)
  local task = ml.spawn(f, ...)
  ml.yield()
  lu.assertEquals(task:status(), "waiting")
  return task
end

local function assert_killed(task)
  lu.assertEquals(task:status(), "cancelled")
  local ok, err = task:wait(0)
  lu.assertNil(ok)
  lu.assertEquals(err.code, "ECANCELED")
  lu.assertEquals(err.task, task.id)
  lu.assertEquals(select(2, ml.kill(task.id)).code, "ESRCH")
end

-- --------------------------------------------------------------- its answers

-- C3.kill
function spec.test_a_kill_answers_true()
  local a, b, c = ml.spawn(type, 1), ml.spawn(type, 1), ml.new(type, 1)
  lu.assertEquals({ coroutine.yield(syscall.kill(a)) }, { true })
  lu.assertEquals({ b:kill() }, { true })
  lu.assertEquals({ ml.kill(c) }, { true })
end

function spec.test_a_second_kill_is_esrch()
  local task = ml.spawn(type, 1)
  lu.assertTrue(task:kill())
  local ok, err = task:kill()
  lu.assertNil(ok)
  lu.assertEquals(err.code, "ESRCH")
  lu.assertEquals(err.op, "kill")
end

-- --------------------------------------------------------------- every state

function spec.test_a_task_that_has_not_run_never_runs()
  local ran = false
  local task = ml.spawn(function()
    ran = true
  end)
  lu.assertTrue(task:kill())
  assert_killed(task)
  ml.yield()
  lu.assertFalse(ran)
end

function spec.test_a_task_that_gave_way_goes_no_further()
  local steps = 0
  local task = ml.spawn(function()
    while true do
      steps = steps + 1
      coroutine.yield()
    end
  end)
  ml.yield()
  lu.assertEquals(steps, 1)
  task:kill()
  assert_killed(task)
  ml.yield()
  lu.assertEquals(steps, 1)
end

function spec.test_a_sleeping_task_is_killed()
  assert(blocked_in(ml.sleep, math.huge):kill())
  local task = blocked_in(ml.sleep, 0.001)
  task:kill()
  assert_killed(task)
  ml.sleep(0.002) -- nothing of its timer is left
  assert_killed(task)
end

function spec.test_a_task_whose_wait_has_just_ended_is_killed()
  local event = ml.event()
  local task = blocked_in(event.wait, event)
  event:set()
  lu.assertEquals(task:status(), "ready")
  task:kill()
  assert_killed(task)
end

function spec.test_a_task_that_waits_for_another_is_killed_alone()
  local other = blocked_in(ml.sleep, math.huge)
  local by_wait = blocked_in(ml.wait, other)
  local by_join = blocked_in(other.join, other)
  by_wait:kill()
  by_join:kill()
  assert_killed(by_wait)
  assert_killed(by_join)
  lu.assertEquals(other:status(), "waiting")
  other:kill()
end

function spec.test_a_task_that_waits_for_an_event_is_killed()
  local event = ml.event()
  local task = blocked_in(event.wait, event)
  local next_one = blocked_in(event.wait, event)
  task:kill()
  assert_killed(task)
  event:set()
  lu.assertEquals({ next_one:wait() }, { true, true })
end

function spec.test_a_task_that_waits_for_a_descriptor_is_killed()
  local p <close> = pipe()
  local task = blocked_in(ml.wait_io_read, p.reader)
  local next_one = blocked_in(ml.wait_io_read, p.reader)
  task:kill()
  p.writer:write("x") -- in the same round as the kill
  assert_killed(task)
  lu.assertEquals({ next_one:wait() }, { true, true })
  lu.assertEquals(p.reader:read(1), "x")
end

function spec.test_a_kill_before_the_task_first_waits_on_a_descriptor_is_clean()
  local p <close> = pipe()
  for _ = 1, 20 do
    local task = ml.spawn(ml.wait_io_read, p.reader)
    task:kill()
    task = blocked_in(ml.wait_io_read, p.reader)
    task:kill()
  end
  p.writer:write("x")
  lu.assertTrue(ml.wait_io_read(p.reader))
end

-- --------------------------------------------------------- at once, for sure

function spec.test_no_pcall_sees_a_kill()
  local log = {}
  local task = blocked_in(function()
    table.insert(log, table.pack(pcall(function()
      table.insert(log, table.pack(xpcall(ml.sleep, function(err)
        table.insert(log, err)
      end, math.huge)))
    end)))
    table.insert(log, "went on")
  end)
  task:kill()
  assert_killed(task)
  ml.yield()
  lu.assertEquals(log, {})
end

function spec.test_a_kill_is_done_when_it_has_answered()
  local log = {}
  local task = blocked_in(function()
    local _ <close> = closing(log, "closed")
    ml.sleep(math.huge)
  end)
  task:kill()
  lu.assertEquals(log, { "closed" })
  assert_killed(task)
end

function spec.test_who_waits_for_the_killed_is_told()
  local task = blocked_in(ml.sleep, math.huge)
  local waiters = {}
  for i = 1, 5 do
    waiters[i] = blocked_in(ml.wait, task)
  end
  task:kill()
  for _, waiter in ipairs(waiters) do
    local _, ok, err = waiter:wait()
    lu.assertNil(ok)
    lu.assertEquals(err.code, "ECANCELED")
  end
end

-- --------------------------------------------------------------- the closing

function spec.test_variables_are_closed_in_reverse_order()
  local log = {}
  local function inner()
    local _ <close> = closing(log, "inner 1")
    local _ <close> = closing(log, "inner 2")
    ml.sleep(math.huge)
  end
  local task = blocked_in(function()
    local _ <close> = closing(log, "outer 1")
    do
      local _ <close> = closing(log, "gone")
    end
    local _ <close> = closing(log, "outer 2")
    pcall(inner)
  end)
  task:kill()
  lu.assertEquals(log, { "gone", "inner 2", "inner 1", "outer 2", "outer 1" })
end

function spec.test_a_kill_is_no_error_to_the_variables()
  local seen = "nothing"
  local task = blocked_in(function()
    local _ <close> = closing({}, "x", function(err)
      seen = err
    end)
    ml.sleep(math.huge)
  end)
  task:kill()
  lu.assertNil(seen)
end

function spec.test_the_closing_value_of_a_loop_is_closed()
  local log = {}
  local task = blocked_in(function()
    for _ in next, { 1 }, nil, closing(log, "loop") do
      ml.sleep(math.huge)
    end
  end)
  task:kill()
  lu.assertEquals(log, { "loop" })
end

function spec.test_coroutines_it_is_inside_of_are_closed_innermost_first()
  local log = {}
  local task = blocked_in(function()
    local _ <close> = closing(log, "task")
    local outer = coroutine.wrap(function()
      local _ <close> = closing(log, "outer")
      local middle = coroutine.create(function()
        local _ <close> = closing(log, "middle")
        for _ in coroutine.wrap(function()
          local _ <close> = closing(log, "inner 1")
          local _ <close> = closing(log, "inner 2")
          ml.sleep(math.huge)
        end) do
          lu.fail("not reached")
        end
      end)
      coroutine.resume(middle)
    end)
    outer()
  end)
  task:kill()
  lu.assertEquals(log, { "inner 2", "inner 1", "middle", "outer", "task" })
end

function spec.test_a_coroutine_killed_with_its_task_is_dead()
  local inner
  local task = blocked_in(function()
    inner = coroutine.create(function()
      ml.sleep(math.huge)
    end)
    coroutine.resume(inner)
  end)
  lu.assertEquals(coroutine.status(inner), "normal")
  task:kill()
  lu.assertEquals(coroutine.status(inner), "dead")
  lu.assertEquals({ coroutine.resume(inner) },
    { false, "cannot resume dead coroutine" })
end

function spec.test_a_coroutine_that_is_merely_suspended_is_left_alone()
  local log = {}
  local generate
  local task = blocked_in(function()
    generate = coroutine.create(function()
      local _ <close> = closing(log, "suspended")
      coroutine.yield(1)
    end)
    coroutine.resume(generate)
    ml.sleep(math.huge)
  end)
  task:kill()
  lu.assertEquals(log, {})
  lu.assertEquals(coroutine.status(generate), "suspended")
  lu.assertTrue(coroutine.close(generate))
  lu.assertEquals(log, { "suspended" })
end

function spec.test_a_close_that_was_suspended_is_abandoned_and_the_rest_run()
  local log = {}
  local task = ml.spawn(function()
    local _ <close> = closing(log, "first")
    local _ <close> = closing(log, "second", function()
      ml.sleep(math.huge)
      table.insert(log, "not reached")
    end)
    local _ <close> = closing(log, "third")
  end)
  ml.yield()
  lu.assertEquals(log, { "third", "second" })
  lu.assertEquals(task:status(), "waiting")
  task:kill()
  lu.assertEquals(log, { "third", "second", "first" })
  assert_killed(task)
end

-- -------------------------------------------------------------------- itself

function spec.test_a_task_kills_itself_by_its_handle()
  local log = {}
  local function suicide()
    local _ <close> = closing(log, "closed")
    ml.self():kill()
    table.insert(log, "went on")
  end
  local plain = ml.spawn(suicide)
  local guarded = ml.spawn(pcall, suicide)
  local inside = ml.spawn(function()
    local _ <close> = closing(log, "outer")
    coroutine.wrap(suicide)()
  end)
  for _, task in ipairs { plain, guarded, inside } do
    task:wait()
    assert_killed(task)
  end
  lu.assertEquals(log, { "closed", "closed", "closed", "outer" })
end

function spec.test_a_task_that_yields_the_request_to_kill_itself_is_killed()
  local task = ml.spawn(function()
    coroutine.yield(syscall.kill(ml.self()))
    error "went on"
  end)
  task:wait()
  assert_killed(task)
end

function spec.test_where_it_cannot_suspend_it_dies_as_soon_as_it_could()
  local done = ml.spawn(type, 1)
  done:wait()
  for _, call in ipairs { ml.yield, ml.id, function() done:wait() end } do
    local log = {}
    local task = ml.spawn(function()
      local _ <close> = closing(log, "closed")
      table.sort({ 1, 2 }, function(a, b)
        ml.self():kill()
        return a < b
      end)
      call() -- though it would not have to wait
      table.insert(log, "went on")
    end)
    task:wait()
    assert_killed(task)
    lu.assertEquals(log, { "closed" })
  end
end

-- There a group waits for its members in any case; so it is with them.
function spec.test_where_it_cannot_suspend_it_dies_at_the_end_of_its_group()
  local log = {}
  local task = ml.spawn(function()
    ml.group(function(g)
      g:spawn(function()
        local _ <close> = closing(log, "member")
        ml.sleep(math.huge)
      end)
      ml.yield()
      table.sort({ 1, 2 }, function(a, b)
        ml.self():kill()
        return a < b
      end)
    end)
    table.insert(log, "went on")
  end)
  task:wait()
  assert_killed(task)
  lu.assertEquals(log, { "member" })
end

function spec.test_it_counts_as_killed_though_its_function_returns_or_fails()
  for _, finish in ipairs { type, error } do
    local task = ml.spawn(function()
      table.sort({ 1, 2 }, function(a, b)
        ml.self():kill()
        return a < b
      end)
      finish("x")
    end)
    task:wait()
    assert_killed(task)
  end
end

function spec.test_the_main_task_may_be_killed_and_the_others_go_on()
  local result = child.run(function()
    local main = ml.self()
    ml.spawn(function()
      main:kill()
      ml.sleep(1)
      print "went on"
    end)
    ml.sleep(math.huge)
  end, { virtual = true })
  lu.assertEquals(result.err, "")
  lu.assertEquals(result.out, "went on\n")
  lu.assertEquals(result.status, 0)
end

-- ---------------------------------------------------------------------- many

function spec.test_thousands_in_mixed_waits_are_killed()
  local p <close> = pipe()
  local event = ml.event()
  local closed = 0
  local waits = {
    function() ml.sleep(math.huge) end,
    function() ml.sleep(1000) end,
    function() event:wait() end,
    function() ml.wait_io_read(p.reader) end,
    function() ml.wait_io_read(p.reader, 1000) end,
    function() coroutine.wrap(ml.sleep)(1000) end,
    function() ml.self().name = "x" ml.wait_io_read(p.reader) end,
  }
  local tasks = {}
  for i = 1, 7000 do
    tasks[i] = ml.spawn(function()
      local _ <close> = setmetatable({}, {
        __close = function()
          closed = closed + 1
        end,
      })
      waits[i % 7 + 1]()
    end)
  end
  ml.yield()
  for i = 1, 7000 do
    tasks[i * 1009 % 7000 + 1]:kill()
  end
  lu.assertEquals(closed, 7000)
  p.writer:write("x")
  lu.assertTrue(ml.wait_io_read(p.reader, 0))
end

-- While one kill is carried out, others queue up: here the owner of a group,
-- and its member before it.
function spec.test_a_member_and_its_owner_killed_in_one_handler_both_go()
  local member
  local owner = ml.spawn(function()
    ml.group(function(group)
      member = group:spawn(ml.sleep, 1000)
    end)
  end)
  local killer = ml.spawn(function()
    local _ <close> = setmetatable({}, { __close = function()
      member:kill()
      owner:kill()
    end })
    ml.sleep(1000)
  end)
  ml.yield()
  ml.yield()
  killer:kill()
  lu.assertEquals({ member:status(), owner:status(), killer:status() },
    { "cancelled", "cancelled", "cancelled" })
end

-- The member is at its end while the kill that it asks for reaches it.
function spec.test_a_member_that_kills_its_owner_as_it_is_killed()
  local owner, member
  owner = ml.spawn(function()
    ml.group(function(group)
      member = group:spawn(function()
        local _ <close> = setmetatable({}, { __close = function()
          owner:kill()
        end })
        ml.sleep(1000)
      end)
      group:spawn(ml.sleep, 1000)
    end)
  end)
  ml.yield()
  ml.yield()
  member:kill()
  lu.assertEquals({ member:status(), owner:status() },
    { "cancelled", "cancelled" })
end

-- A handler of the killed task that asks for it again has asked in vain.
function spec.test_a_task_that_is_being_killed_is_killed_once()
  local log = {}
  local task = blocked_in(function()
    local _ <close> = closing(log, "outer")
    local _ <close> = closing(log, "inner", function()
      ml.self():kill()
    end)
    ml.sleep(math.huge)
  end)
  task:kill()
  lu.assertEquals(log, { "inner", "outer" })
  assert_killed(task)
  lu.assertTrue(core.check())
end

-- C3.6: in the order in which handlers ask for them, whoever asks twice; but
-- members go before the owner of their group.
function spec.test_kills_that_handlers_ask_for_are_carried_out_in_order()
  local log, tasks = {}, {}
  local function sleeper(name)
    local _ <close> = closing(log, name)
    ml.sleep(math.huge)
  end
  for _, name in ipairs { "a", "b", "c" } do
    tasks[name] = blocked_in(sleeper, name)
  end
  tasks.owner = blocked_in(ml.group, function(g)
    local _ <close> = closing(log, "owner")
    tasks.first = g:spawn(sleeper, "first")
    tasks.last = g:spawn(sleeper, "last")
    ml.sleep(math.huge)
  end)
  ml.yield()
  blocked_in(function()
    local _ <close> = closing(log, "asks", function()
      for name in ("a b c a owner first"):gmatch "%a+" do
        tasks[name]:kill()
      end
    end)
    ml.sleep(math.huge)
  end):kill()
  lu.assertEquals(table.concat(log, " "), "asks a b c last first owner")
  lu.assertTrue(core.check())
end

return spec
