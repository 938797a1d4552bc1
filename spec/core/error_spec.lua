-- Error values: C2.2.

local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

local function eperm()
  local _, err = ml.kill(0)
  return err
end

local function efailed(value)
  local task = ml.spawn(function()
    error(value, 0)
  end)
  local _, err = task:wait()
  return err, task
end

function spec.test_an_error_has_a_code_an_op_and_a_message()
  local err = eperm()
  lu.assertEquals(err.code, "EPERM")
  lu.assertEquals(err.op, "kill")
  lu.assertEquals(type(err.message), "string")
end

function spec.test_the_op_is_what_was_being_done()
  lu.assertEquals(select(2, ml.wait(0)).op, "wait")
  lu.assertEquals(select(2, ml.cancel(0)).op, "cancel")
  lu.assertEquals(select(2, ml.wait_io_read(-1)).op, "wait_io_read")
  lu.assertEquals(select(2, ml.wait_io_write(-1)).op, "wait_io_write")
  lu.assertEquals(select(2, ml.close(-1)).op, "close")
end

function spec.test_what_does_not_apply_is_nil()
  local err = eperm()
  for _, field in ipairs {
    "address", "reason", "task", "value", "traceback",
  } do
    lu.assertNil(err[field])
  end
end

function spec.test_a_failed_task_is_told_with_task_value_and_traceback()
  local value = {}
  local err, task = efailed(value)
  lu.assertEquals(err.code, "EFAILED")
  lu.assertEquals(err.task, task.id)
  lu.assertIs(err.value, value)
  lu.assertStrContains(err.traceback, "error_spec.lua:")
end

function spec.test_text_is_one_readable_line()
  local err = efailed("boom")
  local text = tostring(err)
  lu.assertStrContains(text, "wait")
  lu.assertStrContains(text, "EFAILED")
  lu.assertStrContains(text, "boom")
  lu.assertNotStrContains(text, "\n")
  lu.assertEquals(tostring(eperm()),
    "kill: operation not permitted (EPERM)")
end

function spec.test_a_value_of_several_lines_still_makes_one_line()
  local err = efailed("first\nsecond")
  lu.assertNotStrContains(tostring(err), "\n")
end

function spec.test_two_dots_join_it_as_text_on_either_side()
  local err = eperm()
  local text = tostring(err)
  lu.assertEquals("x: " .. err, "x: " .. text)
  lu.assertEquals(err .. " :x", text .. " :x")
  lu.assertEquals(err .. err, text .. text)
  lu.assertEquals(1 .. err, "1" .. text)
end

function spec.test_iserror_knows_an_error_from_all_else()
  lu.assertTrue(ml.iserror(eperm()))
  for _, value in ipairs {
    "EPERM", 1, true, {}, { code = "EPERM", op = "kill" }, print, io.stdout,
    setmetatable({}, {}), coroutine.running(), syscall.id(),
  } do
    lu.assertFalse(ml.iserror(value))
  end
  lu.assertFalse(ml.iserror(nil))
  lu.assertFalse(ml.iserror(getmetatable(eperm())))
end

function spec.test_an_error_value_can_be_raised_and_caught_unchanged()
  local err = eperm()
  local ok, caught = pcall(error, err)
  lu.assertFalse(ok)
  lu.assertIs(caught, err)
  lu.assertIs(efailed(err).value, err)
end

-- C2.2
function spec.test_a_value_that_has_no_text_costs_the_error_none()
  local hostile = setmetatable({}, {
    __tostring = function()
      error("no text", 0)
    end,
  })
  local err = efailed(hostile)
  lu.assertIs(err.value, hostile)
  lu.assertEquals(tostring(err), "wait: failed (EFAILED): (an error value of "
    .. "type table that has no text)")
end

-- C2.2
function spec.test_an_error_without_its_fields_has_a_text_still()
  local err = eperm()
  rawset(err, "op", nil)
  lu.assertEquals(tostring(err), "error: operation not permitted (EPERM)")
  rawset(err, "code", nil)
  rawset(err, "message", nil)
  lu.assertEquals(tostring(err), "error: unknown (EUNKNOWN)")
end

function spec.test_what_is_no_name_is_no_field_either()
  local err = eperm()
  lu.assertNil(err[1])
  lu.assertNil(err[{}])
end

return spec
