-- The order of things in the loop: C4.1, and what C4.2 says of descriptors and
-- of idling. That of sleeps is in sys/time_spec.

local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local pipe = require "spec.support.pipe"

local spec = {}

-- C4.1
function spec.test_ready_tasks_run_first_in_first_out()
  local order = {}
  local tasks = {}
  for i = 1, 10 do
    tasks[i] = ml.spawn(function()
      for _ = 1, 5 do
        table.insert(order, i)
        ml.yield()
      end
    end)
  end
  for _, task in ipairs(tasks) do
    task:wait()
  end
  for turn = 0, 4 do
    for i = 1, 10 do
      lu.assertEquals(order[turn * 10 + i], i)
    end
  end
end

function spec.test_woken_tasks_queue_behind_the_ready_ones_in_order()
  local order = {}
  local event = ml.event()
  local tasks = {}
  for i = 1, 3 do
    tasks[i] = ml.spawn(function()
      event:wait()
      table.insert(order, "woken " .. i)
    end)
  end
  ml.yield()
  local ready = ml.spawn(table.insert, order, "ready")
  event:set()
  for _, task in ipairs(tasks) do
    task:wait()
  end
  ready:wait()
  lu.assertEquals(order, { "ready", "woken 1", "woken 2", "woken 3" })
end

function spec.test_a_task_that_gives_way_all_the_time_does_not_starve_timers()
  local stop = false
  local busy = ml.spawn(function()
    while not stop do
      ml.yield()
    end
  end)
  local _, late = ml.sleep(0.005)
  stop = true
  busy:wait()
  lu.assertTrue(late < 1, late)
end

-- C4.1: measured in CPU time, so that a loaded machine makes no difference.
function spec.test_a_task_that_gives_way_all_the_time_does_not_starve_io()
  local p <close> = pipe()
  local woken = false
  local reader = ml.spawn(function()
    ml.wait_io_read(p.reader)
    woken = true
  end)
  ml.yield()
  p.writer:write("x")
  local start = os.clock()
  while not woken and os.clock() - start < 1 do
    ml.yield()
  end
  lu.assertTrue(woken)
  reader:wait()
end

-- Who waits has waited for longer.
function spec.test_who_is_woken_by_a_descriptor_goes_before_who_gave_way()
  child.passes(function()
    local order = {}
    local p <close> = pipe()
    local reader = ml.spawn(function()
      ml.wait_io_read(p.reader)
      table.insert(order, "reader")
    end)
    ml.yield()
    p.writer:write("x")
    ml.yield()
    table.insert(order, "writer")
    reader:wait()
    lu.assertEquals(order, { "reader", "writer" })
  end, { virtual = true })
end

function spec.test_sleeping_for_no_time_all_the_time_starves_nobody()
  local p <close> = pipe()
  local stop = false
  local busy = ml.spawn(function()
    while not stop do
      ml.sleep(0)
    end
  end)
  local writer = ml.spawn(function()
    ml.sleep(0.002)
    p.writer:write("x")
  end)
  lu.assertTrue(ml.wait_io_read(p.reader, 10))
  stop = true
  busy:wait()
  writer:wait()
end

function spec.test_requests_that_never_block_starve_nobody()
  local stop = false
  local request = syscall.id()
  local busy = ml.spawn(function()
    while not stop do
      coroutine.wrap(function()
        coroutine.yield(request)
      end)()
      coroutine.yield(request)
    end
    return "done"
  end)
  ml.sleep(0.001)
  stop = true
  lu.assertEquals(busy:join(), "done")
end

function spec.test_many_new_tasks_are_made_before_the_first_of_them_runs()
  local ran = false
  local ids = {}
  for i = 1, 1000 do
    ids[i] = coroutine.yield(syscall.new(function()
      ran = true
    end))
  end
  for _, id in ipairs(ids) do
    lu.assertTrue(coroutine.yield(syscall.kill(id)))
  end
  lu.assertFalse(ran)
end

function spec.test_io_that_is_always_ready_does_not_starve_other_io()
  local busy_pipe <close> = pipe()
  local p <close> = pipe()
  busy_pipe.writer:write("x")
  local stop = false
  local busy = ml.spawn(function()
    while not stop do
      ml.wait_io_read(busy_pipe.reader)
    end
  end)
  local writer = ml.spawn(function()
    ml.sleep(0.002)
    p.writer:write("x")
  end)
  lu.assertTrue(ml.wait_io_read(p.reader, 10))
  stop = true
  busy:wait()
  writer:wait()
end

-- How often f is called by a task until another one, that was ready, has run.
local function calls_before_giving_way(f)
  local ran = false
  ml.new(function()
    ran = true
  end)
  for count = 1, 100000 do
    f()
    if ran then
      return count
    end
  end
  lu.fail("it never gave way")
end

function spec.test_calls_that_succeed_at_once_give_way_in_time()
  local done = ml.spawn(type, 1)
  done:wait()
  local event = ml.event()
  event:set()
  local file <close> = assert(io.open("/dev/null"))
  for _, f in ipairs {
    function() done:wait() end,
    function() done:join() end,
    function() event:wait() end,
    function() ml.wait_io_read(file) end,
    function() ml.wait_io_write(file) end,
    function() ml.wait(0) end, -- refused, which is an answer too
    function() ml.wait_io_read(-1) end,
    function() event:wait(0) end,
    function() coroutine.yield(syscall.wait_io_read(file)) end,
    function() coroutine.wrap(ml.wait)(done) end,
  } do
    local count = calls_before_giving_way(f)
    lu.assertTrue(count <= 1000, count)
  end
end

function spec.test_a_timeout_of_zero_in_a_loop_lets_the_others_finish()
  local task = ml.spawn(function()
    for _ = 1, 10 do
      ml.yield()
    end
    return "done"
  end)
  local ok, result
  repeat
    ok, result = task:wait(0)
  until ok or result.code ~= "ETIMEDOUT"
  lu.assertEquals(result, "done")
end

function spec.test_answers_are_not_lost_where_a_call_gives_way()
  local done = ml.spawn(function()
    return 1, nil, 3
  end)
  done:wait()
  for _ = 1, 1000 do
    lu.assertEquals(table.pack(done:wait()), { n = 4, true, 1, nil, 3 })
  end
end

-- C4.2
-- C4.1: so many that each kind of them has to give way in between.
function spec.test_a_yield_is_answered_also_when_it_gave_way()
  local id, request, other = ml.id(), syscall.id(), 0
  local task = ml.spawn(function()
    while true do
      other = other + 1
      ml.yield()
    end
  end)
  for _ = 1, 30000 do
    if coroutine.yield(request) ~= id then
      lu.fail "not the answer"
    end
  end
  lu.assertTrue(other > 1)
  task:kill()
end

-- C4.1: the virtual clock stands still while it computes.
function spec.test_on_a_virtual_clock_io_is_not_starved_either()
  child.in_virtual_time(function()
    local a, b = net.pair()
    local reader = ml.spawn(a.recv, a)
    ml.yield()
    b:write "x"
    for _ = 1, 1000 do
      ml.yield()
    end
    lu.assertEquals(reader:status(), "done")
  end)
end

function spec.test_io_that_is_ready_in_the_round_of_its_timeout_wins()
  for _ = 1, 20 do
    local p <close> = pipe()
    local task
    repeat
      task = ml.spawn(ml.wait_io_read, p.reader, 0.002)
      ml.yield()
    until task:status() == "waiting" -- the machine was not busy with others
    -- Nobody looks at either until both have come.
    p.writer:write("x")
    local stop = ml.now() + 0.003
    repeat
      local now = ml.now()
    until now >= stop
    lu.assertEquals({ task:wait() }, { true, true })
  end
end

function spec.test_an_idle_loop_uses_no_cpu()
  child.passes(function()
    local p <close> = pipe()
    local never = ml.event()
    local tasks = {
      ml.spawn(ml.sleep, math.huge),
      ml.spawn(ml.sleep, 100),
      ml.spawn(ml.wait_io_read, p.reader),
      ml.spawn(ml.wait_io_read, p.reader, 100),
      ml.spawn(never.wait, never),
    }
    for _, task in ipairs(tasks) do
      tasks[#tasks + 1] = ml.spawn(ml.wait, task, 100)
      if #tasks == 10 then
        break
      end
    end
    ml.sleep(0.01)
    local before = os.clock()
    ml.sleep(1)
    lu.assertTrue(os.clock() - before < 0.01, os.clock() - before)
    for i = 1, 10 do
      tasks[i]:kill()
    end
  end)
end

function spec.test_a_loop_with_one_wait_that_never_comes_uses_no_cpu()
  child.passes(function()
    local file <close> = assert(io.popen("sleep 0.5; echo x"))
    ml.sleep(0)
    local before = os.clock()
    ml.wait_io_read(file)
    lu.assertTrue(os.clock() - before < 0.01, os.clock() - before)
  end)
end

-- C4.2: an alarm that is late already is not put off until more have rung.
function spec.test_alarms_that_ring_close_together_are_not_put_off()
  local tasks, woke = {}, {}
  local function busy(seconds)
    local till = os.clock() + seconds
    while os.clock() < till do end
  end
  for i = 1, 30 do
    tasks[i] = ml.spawn(function()
      ml.sleep(0.001 + i * 0.0001)
      table.insert(woke, i)
      busy(0.0003)
    end)
  end
  for i = #tasks, 1, -1 do
    tasks[i]:wait()
  end
  for i = 1, #tasks do
    lu.assertEquals(woke[i], i)
  end
end

-- Its pace is set by what is in use, unless a script has set it.
function spec.test_a_script_that_paces_the_collector_is_left_alone()
  for _, pause in ipairs { 0, 152 } do
    local result = child.run(function()
      local hoard, wanted = {}, tonumber(arg[1]) or 0
      if wanted > 0 then
        collectgarbage("setpause", wanted)
      end
      for i = 1, 40 do
        hoard[i] = ("x"):rep(1 << 18)
      end
      ml.yield()
      table.remove(hoard)
      collectgarbage()
      ml.yield()
      print(collectgarbage("setpause", 200))
    end, { args = { tostring(pause) } })
    lu.assertEquals(result.err, "")
    lu.assertEquals(result.out, pause == 0 and "200\n" or "152\n")
  end
end

return spec
