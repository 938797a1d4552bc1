-- Coroutines inside of tasks: C3.3.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

-- ----------------------------------------------------- generators that block

function spec.test_a_generator_may_block_and_its_consumer_sees_its_yields()
  local function numbers(n)
    return coroutine.wrap(function()
      for i = 1, n do
        ml.sleep(0)
        coroutine.yield(i, i * i)
        coroutine.yield(coroutine.yield(syscall.id()))
      end
    end)
  end
  local seen = {}
  for a, b in numbers(3) do
    table.insert(seen, a)
    table.insert(seen, b)
  end
  local id = ml.id()
  lu.assertEquals(seen, { 1, 1, id, 2, 4, id, 3, 9, id })
end

function spec.test_resume_sees_only_what_is_yielded_to_it()
  local co = coroutine.create(function(...)
    ml.sleep(0)
    local a, b = coroutine.yield("first", ...)
    ml.sleep(0)
    local c = coroutine.yield(a, b)
    coroutine.yield(syscall.sleep(0))
    return "end", c
  end)
  lu.assertEquals({ coroutine.resume(co, 1, 2) }, { true, "first", 1, 2 })
  lu.assertEquals(coroutine.status(co), "suspended")
  lu.assertEquals({ coroutine.resume(co, 3, 4) }, { true, 3, 4 })
  lu.assertEquals({ coroutine.resume(co, 5) }, { true, "end", 5 })
  lu.assertEquals(coroutine.status(co), "dead")
end

function spec.test_three_generators_deep_a_call_blocks_the_whole_task()
  local order = {}
  local other = ml.spawn(function()
    for i = 1, 3 do
      table.insert(order, "other " .. i)
      ml.yield()
    end
  end)
  local function nest(depth)
    return coroutine.wrap(function()
      if depth == 0 then
        for i = 1, 3 do
          ml.yield()
          table.insert(order, "deep " .. i)
          coroutine.yield(i)
        end
      else
        for i in nest(depth - 1) do
          coroutine.yield(i * 10)
        end
      end
    end)
  end
  local sum = 0
  for i in nest(3) do
    sum = sum + i
  end
  lu.assertEquals(sum, 6000)
  lu.assertEquals(order, {
    "other 1", "deep 1", "other 2", "deep 2", "other 3", "deep 3",
  })
  other:wait()
end

function spec.test_a_call_blocks_a_hundred_coroutines_deep()
  local function nest(depth)
    if depth == 0 then
      ml.sleep(0)
      ml.yield()
      return "deep"
    end
    return coroutine.wrap(nest)(depth - 1)
  end
  lu.assertEquals(nest(100), "deep")
end

function spec.test_coroutines_nested_too_deep_are_an_error_and_no_crash()
  local function nest(depth)
    if depth == 0 then
      ml.sleep(0)
    else
      coroutine.wrap(nest)(depth - 1)
    end
  end
  local ok, message = pcall(nest, 100000)
  lu.assertFalse(ok)
  lu.assertStrContains(message, "C stack overflow")
  ml.sleep(0)
end

function spec.test_a_generator_keeps_its_place_while_it_blocks()
  local generate = coroutine.wrap(function()
    local ok, err = pcall(function()
      ml.sleep(0)
      coroutine.yield("under pcall")
      ml.sleep(0)
      error("inside", 0)
    end)
    coroutine.yield(ok, err)
    return "done"
  end)
  lu.assertEquals(generate(), "under pcall")
  lu.assertEquals({ generate() }, { false, "inside" })
  lu.assertEquals(generate(), "done")
end

function spec.test_an_error_after_blocking_reaches_the_consumer()
  local function fail()
    ml.sleep(0)
    error({ "value" })
  end
  local ok, err = coroutine.resume(coroutine.create(fail))
  lu.assertFalse(ok)
  lu.assertEquals(err, { "value" })
  ok, err = pcall(coroutine.wrap(fail))
  lu.assertFalse(ok)
  lu.assertEquals(err, { "value" })
  lu.assertEquals(ml.sleep(0) and "goes on", "goes on")
end

function spec.test_results_of_calls_arrive_in_the_generator_that_called()
  local task = ml.spawn(function()
    ml.yield()
    return 1, nil, 3
  end)
  local co = coroutine.wrap(function()
    return table.pack(task:wait())
  end)
  lu.assertEquals(co(), { n = 4, true, 1, nil, 3 })
  co = coroutine.wrap(function()
    return ml.wait(0)
  end)
  lu.assertEquals(select(2, co()).code, "EPERM")
end

function spec.test_a_generator_of_one_task_may_go_on_in_another()
  local generate = coroutine.wrap(function()
    while true do
      ml.sleep(0)
      coroutine.yield(ml.id())
    end
  end)
  lu.assertEquals(generate(), ml.id())
  local task = ml.spawn(generate)
  lu.assertEquals({ task:wait() }, { true, task.id })
  lu.assertEquals(generate(), ml.id())
end

function spec.test_a_scheduler_written_in_lua_works_inside_a_task()
  local log = {}
  local queue = {}
  for _, name in ipairs { "a", "b", "c" } do
    table.insert(queue, coroutine.create(function()
      for i = 1, 2 do
        table.insert(log, name .. i)
        ml.yield() -- to the loop
        coroutine.yield() -- to the scheduler below
      end
    end))
  end
  while #queue > 0 do
    local co = table.remove(queue, 1)
    assert(coroutine.resume(co))
    if coroutine.status(co) ~= "dead" then
      table.insert(queue, co)
    end
  end
  lu.assertEquals(table.concat(log, " "), "a1 b1 c1 a2 b2 c2")
end

function spec.test_a_bare_yield_goes_to_the_consumer_not_to_the_loop()
  local ran = false
  ml.new(function()
    ran = true
  end)
  local co = coroutine.create(function()
    coroutine.yield()
  end)
  lu.assertEquals({ coroutine.resume(co) }, { true })
  lu.assertFalse(ran)
  ml.yield()
  lu.assertTrue(ran)
end

function spec.test_a_generator_may_yield_any_value_but_a_request_alone()
  local request = syscall.id()
  local co = coroutine.wrap(function()
    coroutine.yield(1, request)
    coroutine.yield(nil)
    coroutine.yield(request, 2)
  end)
  lu.assertEquals({ co() }, { 1, request })
  lu.assertEquals(select("#", co()), 1)
  local ok, message = pcall(co)
  lu.assertFalse(ok)
  lu.assertStrContains(message, "a request is yielded without other values")
end

-- -------------------------------------------------- who may resume and close

-- A coroutine that is inside a system call of another task, and that task.
local function inside_a_call()
  local co = coroutine.create(function()
    ml.sleep(math.huge)
  end)
  local task = ml.spawn(coroutine.resume, co)
  ml.yield()
  return co, task
end

-- A task that has blocked, and its own thread.
local function thread_of_a_task()
  local thread
  local task = ml.spawn(function()
    thread = coroutine.running()
    ml.sleep(math.huge)
  end)
  ml.yield()
  return thread, task
end

function spec.test_what_is_inside_a_call_cannot_be_resumed_or_closed()
  for _, make in ipairs { inside_a_call, thread_of_a_task } do
    local co, task = make()
    lu.assertEquals(coroutine.status(co), "normal")
    local ok, message = coroutine.resume(co)
    lu.assertFalse(ok)
    lu.assertStrContains(message, "cannot resume a task")
    ok, message = pcall(coroutine.close, co)
    lu.assertFalse(ok)
    lu.assertStrContains(message, "cannot close a task")
    lu.assertEquals(coroutine.status(co), "normal")
    lu.assertEquals(task:status(), "waiting")
    task:kill()
    lu.assertEquals(coroutine.status(co), "dead")
  end
end

function spec.test_a_wrapped_one_inside_a_call_raises()
  local generate = coroutine.wrap(ml.sleep)
  local task = ml.spawn(generate, math.huge)
  ml.yield()
  local ok, message = pcall(function()
    generate()
  end)
  lu.assertFalse(ok)
  lu.assertStrMatches(message, ".*coroutine_spec%.lua:%d+: cannot resume a .*")
  lu.assertEquals(task:status(), "waiting")
  task:kill()
end

function spec.test_a_task_that_gave_way_cannot_be_resumed()
  local thread
  local task = ml.spawn(function()
    thread = coroutine.running()
    coroutine.yield()
    return "fine"
  end)
  ml.yield()
  lu.assertEquals(coroutine.status(thread), "normal")
  lu.assertFalse((coroutine.resume(thread)))
  lu.assertFalse((pcall(coroutine.close, thread)))
  lu.assertEquals({ task:wait() }, { true, "fine" })
end

function spec.test_a_coroutine_cannot_resume_the_task_around_it()
  local thread = coroutine.running()
  lu.assertEquals(coroutine.status(thread), "running")
  coroutine.wrap(function()
    lu.assertEquals(coroutine.status(thread), "normal")
    local _, message = coroutine.resume(thread)
    lu.assertStrContains(message, "cannot resume a task")
    _, message = pcall(coroutine.close, thread)
    lu.assertStrContains(message, "cannot close a task")
    ml.sleep(0)
    lu.assertEquals(coroutine.status(thread), "normal")
  end)()
  lu.assertFalse((coroutine.resume(thread)))
  lu.assertFalse((pcall(coroutine.close, thread)))
end

function spec.test_the_thread_of_a_task_that_ended_is_dead()
  for _, finish in ipairs { type, error, ml.sleep } do
    local thread
    local task = ml.spawn(function()
      thread = coroutine.running()
      finish(math.huge)
    end)
    ml.yield()
    if task:status() == "waiting" then
      task:kill()
    end
    task:wait()
    lu.assertEquals(coroutine.status(thread), "dead")
    lu.assertEquals({ coroutine.resume(thread) },
      { false, "cannot resume dead coroutine" })
    lu.assertTrue(coroutine.close(thread))
  end
end

-- ------------------------------------------------------------------ identity

function spec.test_a_thread_means_one_task_for_ever()
  local owner = {}
  local function note()
    local thread, is_main = coroutine.running()
    lu.assertFalse(is_main)
    lu.assertNil(owner[thread])
    owner[thread] = ml.id()
    return thread
  end
  local threads = {}
  for _ = 1, 200 do
    local task = ml.spawn(note)
    local _, thread = task:wait()
    threads[#threads + 1] = thread
    lu.assertEquals(owner[thread], task.id)
    ml.spawn(type, 1):wait() -- one that may have its coroutine, if any may
  end
  lu.assertEquals(#threads, 200)
end

function spec.test_running_is_the_same_all_through_a_task()
  local thread = coroutine.running()
  ml.sleep(0)
  lu.assertIs(coroutine.running(), thread)
  local inner = coroutine.wrap(function()
    local first = coroutine.running()
    ml.sleep(0)
    return first, coroutine.running()
  end)
  local first, second = inner()
  lu.assertIs(first, second)
  lu.assertFalse(rawequal(first, thread))
end

function spec.test_a_hook_of_one_task_is_not_the_next_ones()
  for _ = 1, 3 do
    ml.spawn(function()
      debug.sethook(function() end, "", 1000000)
    end):wait()
    lu.assertEquals({ ml.spawn(debug.gethook):wait() }, { true })
  end
end

-- As a coroutine does, which is why one that was used before will not do.
function spec.test_a_task_inherits_the_hook_of_its_maker()
  ml.spawn(type, 1):wait()
  local function hook() end
  debug.sethook(hook, "", 1000000)
  local task = ml.spawn(debug.gethook)
  debug.sethook()
  lu.assertEquals(select(4, task:wait()), 1000000)
end

-- ------------------------------------------------------------------ as Lua's

-- What coroutines do that make no system call; printed, to be compared.
local function plain_behaviour()
  local function show(...)
    local words = table.pack(...)
    for i = 1, words.n do
      words[i] = tostring(words[i]):gsub("0x%x+", "ADDRESS")
    end
    print(table.concat(words, " "))
  end
  local function body(...)
    show("body", ...)
    show("again", coroutine.yield(1, nil, 3))
    return "end"
  end
  local co = coroutine.create(body)
  show(coroutine.status(co), coroutine.isyieldable(co))
  show(coroutine.resume(co, "a", nil))
  show(coroutine.status(co))
  show(coroutine.resume(co, nil, "b"))
  show(coroutine.status(co), coroutine.resume(co))
  show(coroutine.close(co))

  local failing = coroutine.create(function()
    error({}, 2)
  end)
  show(coroutine.resume(failing))
  show(coroutine.status(failing), coroutine.close(failing))
  show(coroutine.close(failing))
  show(pcall(coroutine.wrap(function()
    error("text")
  end)))
  show(pcall(coroutine.wrap(function()
    local x = nil + 1
    return x
  end)))
  local dead = coroutine.wrap(function() end)
  show(dead())
  show(pcall(dead))
  show(pcall(function()
    dead()
  end))

  local closed = {}
  local function open(name, err)
    return setmetatable({}, {
      __close = function(_, why)
        table.insert(closed, name .. " " .. tostring(why))
        if err then
          error(err, 0)
        end
      end,
    })
  end
  co = coroutine.create(function()
    local _ <close> = open("first")
    local _ <close> = open("second", "from second")
    local _ <close> = open("third", "from third")
    coroutine.yield()
  end)
  coroutine.resume(co)
  show(coroutine.close(co))
  show(table.concat(closed, ", "))
  show(coroutine.status(co))
  show(pcall(coroutine.wrap(function()
    local _ <close> = open("fourth", "from fourth")
    error("own", 0)
  end)))

  co = coroutine.create(function()
    local me, main = coroutine.running()
    show(me == co, main, coroutine.status(co), coroutine.isyieldable())
    show(coroutine.resume(co))
    show(pcall(coroutine.close, co))
    local inner = coroutine.create(function()
      show(coroutine.status(co), coroutine.resume(co))
      show(pcall(coroutine.close, co))
    end)
    show(coroutine.resume(inner))
    table.sort({ 1, 2 }, function()
      show(coroutine.isyieldable())
      return false
    end)
    show(pcall(table.sort, { 1, 2 }, function()
      coroutine.yield()
    end))
  end)
  show(coroutine.resume(co))
  show(pcall(coroutine.create, 1))
  show(pcall(coroutine.wrap))
  show(pcall(coroutine.resume, print))
  show(pcall(coroutine.status, nil))
  show(pcall(coroutine.close, {}))
  show(select("#", coroutine.resume(coroutine.create(function()
    return table.unpack({}, 1, 5000)
  end))))
  show(coroutine.resume(coroutine.create(function()
    return table.unpack({}, 1, 1e7)
  end)))
end

function spec.test_coroutines_that_make_no_call_are_as_in_lua()
  local stock = child.run(plain_behaviour, { stock = true })
  lu.assertEquals(stock.err, "")
  lu.assertEquals(child.passes(plain_behaviour).out, stock.out)
  local module = child.run(function()
    assert(ml) -- which has put its own library in the place of Lua's
    plain_behaviour()
  end, { stock = true })
  lu.assertEquals(module.err, "")
  lu.assertEquals(module.out, stock.out)
end

-- --------------------------------------------------------------- deep chains

function spec.test_a_chain_of_closes_is_an_error_and_no_crash()
  child.passes(function()
    local last
    for _ = 1, 50000 do
      local before = last
      last = coroutine.create(function()
        local _ <close> = closing({}, "", function()
          if before then
            assert(coroutine.close(before))
          end
        end)
        coroutine.yield()
      end)
      coroutine.resume(last)
    end
    local ok, message = coroutine.close(last)
    lu.assertFalse(ok)
    lu.assertStrContains(message, "C stack overflow")
    ml.sleep(0)
  end)
end

function spec.test_a_chain_of_failing_generators_is_an_error_and_no_crash()
  child.passes(function()
    local function nest()
      local _ <close> = closing({}, "", function()
        coroutine.wrap(nest)()
      end)
      error "boom"
    end
    local ok, message = pcall(coroutine.wrap(nest))
    lu.assertFalse(ok)
    lu.assertStrContains(tostring(message), "C stack overflow")
    ml.sleep(0)
  end)
end

-- In a callback of gsub no frame of ours lies below it.
function spec.test_a_c_function_that_resumed_another_coroutine_is_normal()
  local status, resumed
  string.gsub("x", "x", function()
    local outer = coroutine.create(coroutine.resume)
    coroutine.resume(outer, coroutine.create(function()
      status = coroutine.status(outer)
      resumed = coroutine.resume(outer)
    end))
  end)
  lu.assertEquals({ status, resumed }, { "normal", false })
end

return spec
