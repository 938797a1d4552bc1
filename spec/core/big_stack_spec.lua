-- Coroutines that are given, or give, more values than a stack can hold: C4.7.

local lu = require "luaunit"

local spec = {}

local HALF = 600000 -- more than half of what Lua allows

local values = {}
for i = 1, HALF do
  values[i] = i
end

-- Goes on with f while the stack below has many values.
local function laden(f, ...)
  local result = f()
  return result, (...)
end

function spec.test_too_many_arguments_are_an_error_of_the_resume()
  local co = coroutine.create(function()
    return laden(coroutine.yield, table.unpack(values))
  end)
  lu.assertTrue(coroutine.resume(co))
  local ok, message = coroutine.resume(co, table.unpack(values))
  lu.assertFalse(ok)
  lu.assertStrContains(message, "too many arguments to resume")
  lu.assertEquals(coroutine.status(co), "suspended")
  lu.assertEquals({ coroutine.resume(co, "x") }, { true, "x", 1 })
end

function spec.test_too_many_results_are_an_error_of_the_resume()
  local co = coroutine.create(function()
    return table.unpack(values)
  end)
  local results, below = laden(function()
    return { coroutine.resume(co) }
  end, table.unpack(values))
  lu.assertEquals(results, { false, "too many results to resume" })
  lu.assertEquals(below, 1)
end

function spec.test_too_many_results_are_an_error_of_the_wrap()
  local give = coroutine.wrap(function()
    return table.unpack(values)
  end)
  local results = laden(function()
    return { pcall(give) }
  end, table.unpack(values))
  lu.assertFalse(results[1])
  lu.assertStrContains(results[2], "too many results to resume")
end

return spec
