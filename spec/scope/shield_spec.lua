-- C5.7: ml.shield holds a cancellation off.

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

-- C5.7
function spec.test_a_shield_gives_results_and_errors_of_what_it_calls()
  lu.assertEquals(table.pack(ml.shield(function(...)
    ml.yield()
    return ...
  end, 1, nil, 3)), { n = 3, 1, nil, 3 })
  local value = {}
  local ok, err = pcall(ml.shield, error, value)
  lu.assertFalse(ok)
  lu.assertIs(err, value)
  raises("bad argument #1 to 'shield'", function() ml.shield(1) end)
end

function spec.test_a_cancel_waits_until_the_shield_is_left()
  local log = {}
  local event = ml.event()
  local task = blocked_in(function()
    ml.shield(function()
      event:wait()
      ml.sleep(0)
      table.insert(log, "shielded")
    end)
    table.insert(log, ml.id()) -- this does not block
    local _, err = pcall(ml.sleep, 0)
    table.insert(log, err.code)
  end)
  task:cancel("why")
  lu.assertEquals(task:status(), "waiting")
  ml.yield()
  event:set()
  task:wait()
  lu.assertEquals(log, { "shielded", task.id, "ECANCELED" })
end

function spec.test_a_cancel_that_was_asked_for_before_is_held_off_too()
  local log = {}
  local task = ml.spawn(function()
    ml.self():cancel("why")
    ml.shield(ml.sleep, 0)
    table.insert(log, "shielded")
    ml.sleep(0)
  end)
  lu.assertEquals(select(2, task:wait()).reason, "why")
  lu.assertEquals(log, { "shielded" })
end

function spec.test_shields_nest()
  local log = {}
  local event = ml.event()
  local task = blocked_in(ml.shield, function()
    ml.shield(event.wait, event)
    ml.sleep(0)
    table.insert(log, "still shielded")
  end)
  task:cancel()
  event:set()
  lu.assertTrue(task:wait()) -- it does not block any more
  lu.assertEquals(log, { "still shielded" })
end

function spec.test_a_shield_in_clean_up_outlasts_the_grace()
  child.passes(function()
    local log = {}
    local task = ml.spawn(function()
      local _ <close> = closing(log, "closing", function()
        ml.shield(ml.sleep, 1.5)
        table.insert(log, ml.now())
      end)
      ml.sleep(math.huge)
    end)
    ml.yield()
    task:cancel()
    task:wait()
    lu.assertEquals(log, { "closing", 1.5 })
  end, { virtual = true, options = "--grace=1" })
end

function spec.test_a_kill_passes_through()
  local log = {}
  local task = blocked_in(ml.shield, function()
    local _ <close> = closing(log, "closed")
    ml.sleep(math.huge)
  end)
  task:kill()
  lu.assertEquals(log, { "closed" })
end

function spec.test_the_kill_after_the_grace_passes_through()
  child.in_virtual_time(function()
    local task = ml.spawn(ml.shield, ml.sleep, math.huge)
    ml.yield()
    task:cancel()
    ml.sleep(1000)
    lu.assertEquals(task:status(), "waiting") -- it is not delivered yet
    task:kill()
  end)
end

function spec.test_the_end_of_the_runs_grace_is_not_held_off()
  local result = child.run(function()
    ml.detach(function()
      local _ <close> = closing({}, "x", function() print("closed") end)
      ml.shield(ml.sleep, math.huge)
    end)
    ml.yield()
    error("the end", 0)
  end, { virtual = true })
  lu.assertEquals(result.out, "closed\n")
  lu.assertEquals(result.status, 1)
end

function spec.test_a_timeout_inside_a_shield_acts()
  child.in_virtual_time(function()
    lu.assertEquals(select(2, ml.shield(ml.timeout, 1, ml.sleep, 10)).code,
      "ETIMEDOUT")
    lu.assertEquals(ml.now(), 1.0)
  end)
end

function spec.test_a_timeout_around_a_shield_is_held_off()
  child.in_virtual_time(function()
    local log = {}
    local ok, err = ml.timeout(1, function()
      ml.shield(ml.sleep, 3)
      table.insert(log, ml.now())
      ml.sleep(1)
      table.insert(log, "not reached")
    end)
    lu.assertNil(ok)
    lu.assertEquals(err.code, "ETIMEDOUT")
    lu.assertEquals(log, { 3.0 })
    lu.assertEquals(ml.now(), 3.0)
  end)
end

function spec.test_a_group_inside_a_shield_is_shielded_with_its_members()
  local log = {}
  local event = ml.event()
  local task = blocked_in(function()
    ml.shield(ml.group, function(g)
      g:spawn(function()
        event:wait()
        ml.sleep(0)
        table.insert(log, "member")
      end)
    end)
    ml.sleep(0)
    table.insert(log, "not reached")
  end)
  ml.yield()
  task:cancel()
  event:set()
  lu.assertEquals(select(2, task:wait()).code, "ECANCELED")
  lu.assertEquals(log, { "member" })
end

function spec.test_a_group_around_a_shield_cancels_its_other_members()
  local log = {}
  lu.assertNil((ml.group(function(g)
    g:spawn(function()
      local _ <close> = closing(log, "member")
      ml.sleep(math.huge)
    end)
    ml.yield()
    g:cancel("why")
    ml.shield(function()
      ml.sleep(0)
      ml.sleep(0)
      table.insert(log, "shielded")
    end)
  end)))
  lu.assertEquals(log, { "member", "shielded" })
end

function spec.test_a_cancel_inside_the_shield_is_not_held_off()
  local ok, err = ml.shield(ml.group, function(g)
    g:cancel("inside")
    ml.sleep(math.huge)
  end)
  lu.assertNil(ok)
  lu.assertEquals(err.reason, "inside")
end

return spec
