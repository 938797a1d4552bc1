-- C5.3: a group is a block that ends when every task in it has ended.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local lu = require "luaunit"
local ml = require "miniloop"
local raises = require "spec.support.raises"

local spec = {}

-- A task that has run until it blocks in f(...).
local function blocked_in(f, ...)
  local task = ml.spawn(f, ...)
  ml.yield()
  lu.assertEquals(task:status(), "waiting")
  return task
end

local function forever()
  ml.sleep(math.huge)
end

-- ------------------------------------------------------------------- the end

-- C5.3
function spec.test_a_group_ends_when_every_task_in_it_has_ended()
  child.in_virtual_time(function()
    local ended = {}
    ml.group(function(g)
      for i = 3, 1, -1 do
        g:spawn(function()
          ml.sleep(i)
          table.insert(ended, i)
        end)
      end
    end)
    lu.assertEquals(ended, { 1, 2, 3 })
    lu.assertEquals(ml.now(), 3.0)
  end)
end

function spec.test_a_group_returns_what_its_function_returned()
  local got = table.pack(ml.group(function(g)
    g:spawn(type, 1)
    return 1, nil, 3, nil
  end))
  lu.assertEquals(got, { n = 4, 1, nil, 3, nil })
  lu.assertEquals(select("#", ml.group(function() end)), 0)
  lu.assertEquals(select("#", ml.group(function()
    return table.unpack({}, 1, 700)
  end)), 700)
end

function spec.test_a_group_without_members_ends_at_once()
  local turned = false
  local other = ml.spawn(function()
    turned = true
  end)
  lu.assertEquals(ml.group(function() return "x" end), "x")
  lu.assertFalse(turned)
  other:wait()
end

function spec.test_a_members_handle_gives_its_results()
  ml.group(function(g)
    local task = g:spawn(function(...) return ... end, 1, nil, 3)
    lu.assertEquals(table.pack(task:wait()), { n = 4, true, 1, nil, 3 })
    lu.assertEquals(table.pack(task:join()), { n = 3, 1, nil, 3 })
  end)
end

function spec.test_a_member_spawns_into_its_group_while_the_block_waits()
  local log = {}
  ml.group(function(g)
    g:spawn(function()
      ml.yield() -- the block has ended
      g:spawn(function()
        ml.yield()
        g:spawn(table.insert, log, "third")
        table.insert(log, "second")
      end)
      table.insert(log, "first")
    end)
  end)
  lu.assertEquals(log, { "first", "second", "third" })
end

function spec.test_groups_nest_and_the_inner_one_ends_first()
  local log = {}
  ml.group(function(outer)
    outer:spawn(function()
      ml.group(function(inner)
        inner:spawn(function()
          ml.yield()
          table.insert(log, "inner member")
        end)
      end)
      table.insert(log, "inner group")
    end)
  end)
  table.insert(log, "outer group")
  lu.assertEquals(log, { "inner member", "inner group", "outer group" })
end

function spec.test_a_group_works_inside_a_generator()
  local function each()
    for i = 1, 3 do
      local doubled
      ml.group(function(g)
        g:spawn(function()
          ml.yield()
          doubled = 2 * i
        end)
      end)
      coroutine.yield(doubled)
    end
  end
  local got = {}
  for value in coroutine.wrap(each) do
    table.insert(got, value)
  end
  lu.assertEquals(got, { 2, 4, 6 })
end

function spec.test_a_generator_cannot_yield_out_of_a_block_it_has_not_left()
  for _, block in ipairs {
    function(f) ml.group(f) end,
    function(f) ml.timeout(1, f) end,
    function(f) ml.shield(f) end,
  } do
    local co = coroutine.create(function()
      block(function() coroutine.yield(1) end)
    end)
    local ok, message = coroutine.resume(co)
    lu.assertFalse(ok)
    lu.assertStrContains(message, "cannot yield to the consumer")
    lu.assertTrue((pcall(ml.yield))) -- the block was left in order
  end
  -- What is inside of the block as a whole may yield.
  lu.assertEquals(ml.group(function()
    return coroutine.wrap(function() coroutine.yield("x") end)()
  end), "x")
end

-- ---------------------------------------------------------------- the cancel

function spec.test_after_a_cancel_the_block_gives_nil_and_the_reason()
  local reason = {}
  local ok, err = ml.group(function(g)
    g:spawn(forever)
    g:spawn(function()
      ml.yield()
      lu.assertTrue(g:cancel(reason))
      lu.assertTrue(g:cancel("another")) -- may be repeated
    end)
    forever()
    return "not reached"
  end)
  lu.assertNil(ok)
  lu.assertEquals(err.code, "ECANCELED")
  lu.assertEquals(err.op, "group")
  lu.assertIs(err.reason, reason)
  lu.assertNil(select(2, ml.group(function(g) g:cancel() end)).reason)
end

function spec.test_a_cancel_counts_though_the_block_has_returned()
  local ok, err = ml.group(function(g)
    g:spawn(function()
      ml.yield()
      g:cancel("late")
      ml.sleep(0)
    end)
    return "returned before"
  end)
  lu.assertNil(ok)
  lu.assertEquals(err.reason, "late")
end

function spec.test_a_cancel_counts_though_the_block_caught_it()
  local ok, err = ml.group(function(g)
    g:cancel("why")
    lu.assertFalse((pcall(ml.yield)))
    return "all the same"
  end)
  lu.assertNil(ok)
  lu.assertEquals(err.reason, "why")
end

function spec.test_an_error_in_clean_up_takes_the_place_of_the_cancel()
  local ok, err = pcall(ml.group, function(g)
    g:cancel("why")
    pcall(ml.yield)
    error("clean-up", 0)
  end)
  lu.assertEquals({ ok, err }, { false, "clean-up" })
end

function spec.test_a_cancel_leaves_what_is_outside_of_the_group_alone()
  local outside = blocked_in(forever)
  lu.assertNil((ml.group(function(g)
    g:cancel()
    ml.yield()
  end)))
  lu.assertTrue((pcall(ml.sleep, 0)))
  lu.assertEquals(outside:status(), "waiting")
  outside:kill()
end

function spec.test_a_cancel_of_the_inner_group_leaves_the_outer_alone()
  lu.assertEquals(ml.group(function(outer)
    local bystander = outer:spawn(function()
      ml.yield()
      ml.yield()
      ml.yield()
      return "went on"
    end)
    local ok, err = ml.group(function(inner)
      inner:spawn(forever)
      inner:cancel("inner")
      ml.sleep(0)
    end)
    lu.assertNil(ok)
    lu.assertEquals(err.reason, "inner")
    return select(2, bystander:wait())
  end), "went on")
end

function spec.test_a_cancel_of_the_outer_group_reaches_the_innermost()
  local log = {}
  local ok, err = ml.group(function(outer)
    outer:spawn(function()
      ml.group(function(middle)
        middle:spawn(function()
          ml.group(function(inner)
            inner:spawn(function()
              local _ <close> = closing(log, "innermost")
              forever()
            end)
          end)
        end)
      end)
      table.insert(log, "not reached")
    end)
    for _ = 1, 5 do
      ml.yield()
    end
    outer:cancel("why")
  end)
  lu.assertNil(ok)
  lu.assertEquals(err.reason, "why")
  lu.assertEquals(log, { "innermost" })
end

function spec.test_the_cancel_of_its_task_ends_a_group_and_raises_outside()
  local log = {}
  local task = blocked_in(function()
    local _ <close> = closing(log, "task")
    ml.group(function(g)
      g:spawn(function()
        local _ <close> = closing(log, "member", function()
          ml.sleep(0)
          table.insert(log, "cleaned up")
        end)
        forever()
      end)
    end)
    table.insert(log, "not reached")
  end)
  ml.yield()
  task:cancel("why")
  lu.assertEquals(select(2, task:wait()).reason, "why")
  lu.assertEquals(task:status(), "cancelled")
  lu.assertEquals(log, { "member", "cleaned up", "task" })
end

function spec.test_a_group_inside_a_cancelled_one_does_not_begin_work()
  local ran = false
  lu.assertNil((ml.group(function(g)
    g:cancel()
    local task = g:spawn(function() ran = true end)
    lu.assertEquals(task:status(), "cancelled") -- it never runs
    lu.assertEquals(ml.spawn(function() ran = true end):status(), "cancelled")
    pcall(ml.group, function(inner)
      inner:spawn(function()
        ran = true
        ml.sleep(0)
      end)
    end)
  end)))
  lu.assertFalse(ran)
end

-- ---------------------------------------------------------------- the misuse

function spec.test_to_spawn_into_an_ended_group_is_misuse()
  local group
  ml.group(function(g) group = g end)
  raises("the group has ended", function() group:spawn(type, 1) end)
  pcall(ml.group, function(g)
    group = g
    error("x")
  end)
  raises("the group has ended", function() group:spawn(type, 1) end)
  lu.assertTrue(group:cancel()) -- what has ended cannot be cancelled: no harm
end

function spec.test_the_misuse_of_a_group_is_told()
  raises("bad argument #1 to 'group'", function() ml.group(1) end)
  ml.group(function(g)
    raises("bad argument #1 to 'spawn'", function() g:spawn(1) end)
    raises("did you mean 'spawn'?", function() return g.spwan end)
    raises("did you mean 'grace'?", function() g:cancel("x", { grase = 1 }) end)
    for _, grace in ipairs { "1", 0 / 0 } do
      raises("bad argument #2 to 'cancel' (option 'grace' must be a number",
        function() g:cancel("x", { grace = grace }) end)
    end
    ml.yield() -- none of them cancelled it
  end)
end

function spec.test_a_group_that_can_never_end_is_a_deadlock()
  local result = child.run(function()
    ml.group(function(g)
      local event = ml.event()
      for _ = 1, 2 do
        g:spawn(event.wait, event)
      end
    end)
  end)
  lu.assertEquals(result.status, 13)
  lu.assertStrContains(result.err, "for its tasks to end: 2, 3\n")
  lu.assertNotStrContains(result.err, "stack traceback:\n  spawned at")
end

-- C3.4
function spec.test_a_member_that_waits_for_the_owner_is_a_cycle()
  local owner, member, err = ml.self(), nil, nil
  ml.group(function(g)
    member = g:spawn(function()
      err = select(2, owner:wait())
    end)
  end)
  lu.assertEquals(err.code, "EDEADLK")
  lu.assertEquals(err.reason, ("task %d waits for task %d, which waits for "
    .. "task %d"):format(member.id, owner.id, member.id))
end

function spec.test_a_cycle_may_lead_through_any_member_of_groups()
  local mutex = ml.mutex()
  local owner, waiter, err
  owner = ml.spawn(function()
    local _ <close> = mutex:lock()
    ml.group(function(g)
      g:spawn(ml.sleep, 0)
      g:spawn(function()
        ml.group(function(inner)
          waiter = inner:spawn(function()
            ml.yield()
            err = select(2, mutex:lock())
          end)
          inner:spawn(function()
            for _ = 1, 5 do
              ml.yield()
            end
          end)
        end)
      end)
      g:spawn(ml.sleep, 0)
    end)
  end)
  lu.assertTrue(owner:wait())
  lu.assertEquals(err.code, "EDEADLK")
  lu.assertStrContains(err.reason, ("task %d waits for task %d, which waits "
    .. "for task %d, which waits for task %d"):format(waiter.id, owner.id,
    waiter.id - 2, waiter.id))
end

function spec.test_to_wait_for_the_owner_of_another_group_is_no_cycle()
  local release = ml.event()
  local other = ml.spawn(function()
    ml.group(function(g)
      for _ = 1, 3 do
        g:spawn(release.wait, release)
      end
    end)
    return "fine"
  end)
  local got
  ml.group(function(g)
    g:spawn(function()
      got = select(2, other:wait())
    end)
    g:spawn(function()
      ml.yield()
      release:set()
    end)
  end)
  lu.assertEquals(got, "fine")
end

-- ------------------------------------------------------------------ the kill

-- C3.6
function spec.test_a_kill_of_the_owner_kills_all_newest_and_deepest_first()
  local log = {}
  local function member(name, inner)
    local _ <close> = closing(log, name)
    if inner then
      ml.group(function(g)
        for _, each in ipairs(inner) do
          g:spawn(member, each)
        end
      end)
    end
    forever()
  end
  local owner = blocked_in(function()
    local _ <close> = closing(log, "owner")
    ml.group(function(g)
      g:spawn(member, "a", { "a1", "a2" })
      g:spawn(member, "b")
      ml.group(function(nested)
        nested:spawn(member, "nested 1")
        nested:spawn(member, "nested 2")
      end)
    end)
  end)
  for _ = 1, 3 do
    ml.yield()
  end
  local before = #ml.tasks()
  lu.assertTrue(owner:kill())
  lu.assertEquals(log, {
    "nested 2", "nested 1", "b", "a2", "a1", "a", "owner",
  })
  lu.assertEquals(#ml.tasks(), before - 7) -- at once: it is one kill
  lu.assertEquals(owner:status(), "cancelled")
end

-- C3.6
function spec.test_a_group_whose_owner_is_killed_leaves_nothing_behind()
  local function entries()
    local n = 0
    for _ in pairs(debug.getregistry()) do
      n = n + 1
    end
    return n
  end
  local function kill_some()
    for _ = 1, 50 do
      blocked_in(ml.group, function(g)
        g:spawn(forever)
        forever()
      end):kill()
    end
  end
  kill_some()
  local before = entries()
  kill_some()
  lu.assertEquals(entries(), before)
end

function spec.test_a_member_kills_the_owner_and_goes_with_it()
  local log = {}
  local owner
  owner = ml.spawn(function()
    local _ <close> = closing(log, "owner")
    ml.group(function(g)
      g:spawn(function()
        local _ <close> = closing(log, "sibling")
        forever()
      end)
      g:spawn(function()
        local _ <close> = closing(log, "member")
        ml.yield()
        owner:kill()
        table.insert(log, "not reached")
      end)
    end)
    table.insert(log, "not reached")
  end)
  lu.assertEquals(select(2, owner:wait()).code, "ECANCELED")
  table.sort(log)
  lu.assertEquals(log, { "member", "owner", "sibling" })
end

function spec.test_a_kill_asked_for_by_a_dying_member_follows_right_after()
  local log = {}
  local victim = blocked_in(function()
    local _ <close> = closing(log, "victim")
    forever()
  end)
  local owner = blocked_in(function()
    local _ <close> = closing(log, "owner")
    ml.group(function(g)
      for i = 1, 2 do
        g:spawn(function()
          local _ <close> = closing(log, "member " .. i, function()
            victim:kill()
          end)
          forever()
        end)
      end
    end)
  end)
  ml.yield()
  owner:kill()
  lu.assertEquals(log, { "member 2", "member 1", "owner", "victim" })
end

function spec.test_a_killed_member_ends_its_group_when_it_was_the_last()
  local member
  local owner = blocked_in(function()
    return ml.group(function(g)
      member = g:spawn(forever)
      return "fine"
    end)
  end)
  ml.yield()
  member:kill()
  lu.assertEquals({ owner:wait() }, { true, "fine" })
end

function spec.test_a_cancel_may_have_options_and_none_in_them()
  local task
  ml.group(function(group)
    task = group:spawn(ml.sleep, 1000)
    ml.yield()
    group:cancel("enough", {})
  end)
  lu.assertEquals(task:status(), "cancelled")
end

return spec
