-- Requests as values: section 3, its first paragraph, and C3.2.

local lu = require "luaunit"
local ml = require "miniloop"
local raises = require "spec.support.raises"

local spec = {}

-- C3.id
function spec.test_the_running_task_is_told_its_id_by_yield_and_by_call()
  local id = coroutine.yield(syscall.id())
  lu.assertEquals(id, ml.id())
  lu.assertEquals(id, ml.self().id)
  lu.assertEquals(math.type(id), "integer")
  local inner = ml.spawn(function()
    return coroutine.yield(syscall.id()), ml.id()
  end)
  lu.assertEquals({ inner:wait() }, { true, inner.id, inner.id })
end

function spec.test_the_global_syscall_is_the_module_of_that_name()
  lu.assertIs(syscall, require "miniloop.syscall")
end

function spec.test_a_request_can_be_yielded_many_times()
  local request = syscall.sleep(0)
  local first = coroutine.yield(request)
  for i = 1, 20 do
    lu.assertEquals(coroutine.yield(request), first + i)
  end
end

function spec.test_a_request_of_two_values_is_not_the_one_of_the_first()
  local id = ml.new(ml.sleep, math.huge)
  local forever = syscall.wait(id)
  local now = syscall.wait(id, 0)
  lu.assertNotIs(now, forever)
  lu.assertEquals(select(2, coroutine.yield(now)).code, "ETIMEDOUT")
  ml.kill(id)
end

function spec.test_a_request_of_nothing_is_not_the_one_before()
  lu.assertNotNil(syscall.sleep(0.5))
  raises("number expected, got no value", function() syscall.sleep() end)
end

function spec.test_a_request_can_be_shared_by_tasks()
  local request = syscall.id()
  local tasks = {}
  for i = 1, 5 do
    tasks[i] = ml.spawn(coroutine.yield, request)
  end
  for _, task in ipairs(tasks) do
    lu.assertEquals({ task:wait() }, { true, task.id })
  end
end

function spec.test_requests_that_are_made_and_not_yielded_do_nothing()
  local ran = false
  local request = syscall.new(function()
    ran = true
  end)
  ml.yield()
  lu.assertFalse(ran)
  local id = coroutine.yield(request)
  ml.wait(id)
  lu.assertTrue(ran)
end

function spec.test_one_request_of_new_makes_a_task_at_each_yield()
  local count = 0
  local request = syscall.new(function(by)
    count = count + by
  end, 2)
  local first, second = coroutine.yield(request), coroutine.yield(request)
  lu.assertEquals(second, first + 1)
  ml.wait(second)
  lu.assertEquals(count, 4)
end

function spec.test_a_request_prints_as_the_call_that_makes_it()
  lu.assertEquals(tostring(syscall.id()), "syscall.id()")
  lu.assertEquals(tostring(syscall.sleep(10)), "syscall.sleep(10)")
  lu.assertEquals(tostring(syscall.wait(3)), "syscall.wait(3)")
  lu.assertEquals(tostring(syscall.wait(3, 1.5)), "syscall.wait(3, 1.5)")
  local new = syscall.new(print, nil, "x")
  lu.assertEquals(tostring(new), ("syscall.new(%s, nil, x)"):format(print))
end

function spec.test_a_request_cannot_be_changed()
  local request = syscall.sleep(0)
  lu.assertFalse(pcall(function()
    request.seconds = 3
  end))
  lu.assertFalse(pcall(setmetatable, request, {}))
  lu.assertNotEquals(type(getmetatable(request)), "table")
end

function spec.test_arguments_are_kept_with_their_holes()
  local id = coroutine.yield(syscall.new(function(...)
    return select("#", ...), ...
  end, nil, 1, nil, nil))
  local answers = table.pack(coroutine.yield(syscall.wait(id)))
  lu.assertEquals(answers, { n = 6, true, 4, nil, 1, nil, nil })
end

function spec.test_a_request_takes_hundreds_of_arguments()
  local list = {}
  for i = 1, 500 do
    list[i] = i
  end
  local id = coroutine.yield(syscall.new(select, "#", table.unpack(list)))
  lu.assertEquals({ ml.wait(id) }, { true, 500 })
end

function spec.test_perform_yields_a_request_and_gives_its_answers()
  lu.assertEquals(ml.perform(syscall.id()), ml.id())
  local id, late = ml.perform(syscall.sleep(0))
  lu.assertEquals(math.type(id), "integer")
  lu.assertEquals(math.type(late), "float")
  local ok, err = ml.perform(syscall.kill(0))
  lu.assertNil(ok)
  lu.assertEquals(err.code, "EPERM")
end

function spec.test_perform_takes_a_request_and_nothing_else() -- C5.1
  raises("system-call request expected", function() ml.perform(1) end)
  raises("system-call request expected", function() ml.perform() end)
  raises("system-call request expected", function() ml.perform(io.stdout) end)
end

-- C3.2
function spec.test_a_bare_yield_goes_behind_the_tasks_that_are_ready()
  local order = {}
  local function worker(name)
    for i = 1, 3 do
      table.insert(order, name .. i)
      coroutine.yield()
    end
  end
  local tasks = { ml.spawn(worker, "a"), ml.spawn(worker, "b") }
  for _, task in ipairs(tasks) do
    task:wait()
  end
  lu.assertEquals(table.concat(order, " "), "a1 b1 a2 b2 a3 b3")
end

function spec.test_a_bare_yield_answers_nothing()
  lu.assertEquals(select("#", coroutine.yield()), 0)
  lu.assertEquals(select("#", ml.yield()), 0)
end

function spec.test_yielding_another_value_raises_at_the_yield()
  local text = "a task can yield a system-call request, or nothing"
  raises(text, function() coroutine.yield(1) end)
  raises(text, function() coroutine.yield("x") end)
  raises(text, function() coroutine.yield(nil) end)
  raises(text, function() coroutine.yield(false, syscall.id()) end)
  raises(text, function() coroutine.yield(print) end)
  raises(text, function() coroutine.yield({}) end)
  raises(text, function() coroutine.yield(io.stdout) end)
end

function spec.test_values_besides_a_request_raise_at_the_yield()
  local text = "a request is yielded without other values"
  raises(text, function() coroutine.yield(syscall.id(), 1) end)
  raises(text, function() coroutine.yield(syscall.id(), nil) end)
  raises(text, function() coroutine.yield(syscall.id(), syscall.id()) end)
end

function spec.test_the_task_goes_on_after_a_wrong_yield()
  local ok = pcall(coroutine.yield, "wrong")
  lu.assertFalse(ok)
  lu.assertEquals(coroutine.yield(syscall.id()), ml.id())
end

function spec.test_a_wrong_request_does_not_come_to_be()
  local before = ml.id()
  raises("bad argument #1 to 'sleep'", function() syscall.sleep("1") end)
  raises("bad argument #1 to 'new'", function() syscall.new(3) end)
  raises("bad argument #1 to 'kill'", function() syscall.kill({}) end)
  raises("bad argument #2 to 'wait'", function() syscall.wait(9, "1") end)
  lu.assertEquals(ml.id(), before)
end

-- A loop that sleeps makes one request, and no garbage.
function spec.test_a_request_of_the_same_number_is_made_once()
  lu.assertTrue(rawequal(syscall.sleep(5), syscall.sleep(5)))
  lu.assertFalse(rawequal(syscall.sleep(5), syscall.sleep(6)))
  lu.assertFalse(rawequal(syscall.sleep(5), syscall.sleep(5.0)))
  lu.assertFalse(rawequal(syscall.sleep(5), syscall.kill(5)))
end

-- No float is between them.
function spec.test_requests_of_integers_that_are_nearly_the_same_are_two()
  for _, sign in ipairs { 1, -1 } do
    local at = sign * (1 << 53)
    lu.assertFalse(rawequal(syscall.kill(at), syscall.kill(at + sign)))
  end
end

-- C2.1
function spec.test_too_many_arguments_are_refused_at_the_first_that_is_one()
  local many = { print }
  local ok, message = pcall(syscall.new, table.unpack(many, 1, 33000))
  lu.assertFalse(ok)
  lu.assertStrMatches(message,
    "bad argument #%d+ to 'new' %(too many arguments%)")
  local n = math.tointeger(message:match("#(%d+)"))
  lu.assertTrue(pcall(syscall.new, table.unpack(many, 1, n - 1)))
  lu.assertFalse(pcall(syscall.new, table.unpack(many, 1, n)))
end

-- Only of one and the same number: not where it has a sign that `==` does not
-- see, nor where other arguments come after it.
function spec.test_a_request_is_of_all_its_arguments()
  lu.assertEquals(tostring(syscall.sleep(0.0)), "syscall.sleep(0.0)")
  lu.assertEquals(tostring(syscall.sleep(-0.0)), "syscall.sleep(-0.0)")
  lu.assertEquals(tostring(syscall.wait(3, 1.5)), "syscall.wait(3, 1.5)")
  lu.assertEquals(tostring(syscall.wait(3)), "syscall.wait(3)")
end

-- C2.3
function spec.test_a_string_is_not_taken_for_the_number_before_it()
  lu.assertEquals(tostring(syscall.sleep(5.5)), "syscall.sleep(5.5)")
  raises("bad argument #1 to 'sleep'", function() syscall.sleep("5.5") end)
end

function spec.test_a_request_prints_without_the_nils_at_its_end()
  local request = syscall.new(print, 1, nil, table.unpack({}, 1, 5000))
  lu.assertEquals(tostring(request), ("syscall.new(%s, 1)"):format(print))
end

function spec.test_a_request_prints_long_arguments_whole()
  local x, y = ("x"):rep(5000), ("y"):rep(5000)
  lu.assertEquals(tostring(syscall.new(print, x, y)),
    ("syscall.new(%s, %s, %s)"):format(print, x, y))
end

-- The stack of a task that has just begun is small.
function spec.test_a_task_yields_a_request_of_thousands_that_another_made()
  local list = {}
  for i = 1, 20000 do
    list[i] = i
  end
  local request = syscall.new(select, "#", table.unpack(list))
  local task = ml.spawn(function()
    return ml.wait(coroutine.yield(request))
  end)
  lu.assertEquals({ task:wait() }, { true, true, 20000 })
end

return spec
