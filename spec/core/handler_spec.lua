-- Errors in what handles errors: message handlers, the texts of error values,
-- variables that are closed. Each is one error more, of its own task.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

local function goes_on()
  lu.assertEquals({ ml.spawn(type, 1):wait() }, { true, "number" })
end

-- ----------------------------------------------------------- message handlers

-- In a task of its own, so that its own handler is the only one.
local function handled_by(handler)
  return ml.spawn(xpcall, error, handler, "first"):join()
end

function spec.test_a_message_handler_that_fails_is_an_error_to_its_caller()
  local ok, err = handled_by(function()
    error "second"
  end)
  lu.assertFalse(ok)
  lu.assertNotNil(err) -- Lua's to say, which the versions of it do differently
  goes_on()
end

function spec.test_a_message_handler_that_recurses_is_an_error_to_its_caller()
  local function recurse(err)
    return (recurse(err))
  end
  lu.assertFalse((handled_by(recurse)))
  goes_on()
end

function spec.test_a_message_handler_that_yields_is_an_error_to_its_caller()
  for _, yield in ipairs { coroutine.yield, ml.yield } do
    lu.assertFalse((handled_by(function()
      yield()
    end)))
    goes_on()
  end
end

function spec.test_a_message_handler_may_kill_and_cancel()
  local victim = ml.spawn(ml.sleep, math.huge)
  ml.yield()
  lu.assertEquals({ handled_by(function()
    victim:kill()
    return "handled"
  end) }, { false, "handled" })
  lu.assertEquals(victim:status(), "cancelled")
  local ok, err = ml.spawn(xpcall, error, function()
    ml.self():kill()
    return "handled"
  end):wait()
  lu.assertNil(ok)
  lu.assertEquals(err.code, "ECANCELED")
  goes_on()
end

-- --------------------------------------------------------------- error values

-- C4.4: one report for each, and the run goes on to its end.
function spec.test_error_values_whose_texts_fail_are_reported_all_the_same()
  local result = child.run(function()
    for _, text in ipairs {
      function() error "no text" end,
      function() ml.sleep(1) end,
      function() return {} end,
      function(value) return tostring(value) end,
      function() ml.self():kill() end, -- of no task: it has ended
    } do
      ml.detach(error, setmetatable({}, { __tostring = text }))
    end
    ml.sleep(0)
    print "goes on"
  end)
  lu.assertEquals({ result.out, result.status }, { "goes on\n", 1 })
  local _, reports = result.err:gsub("miniloop: task %d+ failed: %(an error "
    .. "value of type table that has no text%)\n", "")
  lu.assertEquals(reports, 5)
end

-- ------------------------------------------------ variables that are closed

-- Three in a task that waits: the second one fails, the first one takes long.
local function three(log, errors)
  local task = ml.spawn(function()
    local _ <close> = closing(log, "outer", function(err)
      table.insert(errors, tostring(err))
    end)
    local _ <close> = closing(log, "middle", function()
      error("in the middle", 0)
    end)
    local _ <close> = closing(log, "inner", function()
      ml.sleep(1)
      table.insert(log, "slept")
    end)
    ml.sleep(math.huge)
  end)
  ml.yield()
  return task
end

-- C5.6
function spec.test_a_cancel_closes_all_three_and_the_last_error_counts()
  child.in_virtual_time(function()
    local log, errors = {}, {}
    local task = three(log, errors)
    task:cancel()
    local _, err = task:wait()
    lu.assertEquals(log, { "inner", "slept", "middle", "outer" })
    lu.assertEquals(errors, { "in the middle" })
    lu.assertEquals({ err.code, err.value }, { "EFAILED", "in the middle" })
    lu.assertEquals(ml.now(), 1)
  end)
end

-- C3.6
function spec.test_a_kill_closes_all_three_and_waits_for_none()
  local result = child.run(function()
    local log, errors = {}, {}
    local task = three(log, errors)
    task:kill()
    lu.assertEquals(log, { "inner", "middle", "outer" })
    lu.assertEquals(errors, { "in the middle" })
    lu.assertEquals(select(2, task:wait()).code, "ECANCELED")
    print "went on"
  end)
  lu.assertEquals({ result.out, result.status }, { "went on\n", 1 })
  lu.assertStrContains(result.err, "in the middle")
end

return spec
