-- Where a call may block and where it cannot: C2.5. One test for each row of
-- what Lua can and cannot suspend; after each the task goes on as if nothing
-- had been.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

local function nap()
  ml.sleep(0)
  return "slept"
end

-- Asserts that f raises an error that names the call, and that all is well.
local function refuses(call, f, ...)
  local ok, err = pcall(f, ...)
  lu.assertFalse(ok)
  lu.assertStrContains(tostring(err), ("cannot call '%s' here"):format(call))
  lu.assertEquals(nap(), "slept")
  lu.assertEquals({ ml.spawn(nap):wait() }, { true, "slept" })
end

-- ----------------------------------------------------- where Lua can suspend

function spec.test_calls_block_under_pcall_and_xpcall()
  lu.assertEquals({ pcall(nap) }, { true, "slept" })
  lu.assertEquals({ xpcall(nap, debug.traceback) }, { true, "slept" })
  lu.assertEquals({ pcall(pcall, nap) }, { true, true, "slept" })
  local ok, err = pcall(function()
    nap()
    error("after", 0)
  end)
  lu.assertFalse(ok)
  lu.assertEquals(err, "after")
end

function spec.test_calls_block_in_metamethods()
  local meta = {}
  for _, event in ipairs {
    "__index", "__newindex", "__add", "__sub", "__mul", "__div", "__mod",
    "__pow", "__unm", "__idiv", "__band", "__bor", "__bxor", "__shl", "__shr",
    "__bnot", "__concat", "__len", "__eq", "__lt", "__le", "__call",
  } do
    meta[event] = nap
  end
  local x, y = setmetatable({}, meta), setmetatable({}, meta)
  local results = {
    x.key, x + 1, x - 1, x * 1, x / 1, x % 1, x ^ 1, -x, x // 1, x & 1, x | 1,
    x ~ 1, x << 1, x >> 1, ~x, x .. "", #x, x(),
  }
  for i = 1, 18 do
    lu.assertEquals(results[i], "slept")
  end
  lu.assertEquals({ x == y, x < y, x <= y, 1 < x }, { true, true, true, true })
  x.key = 1
  lu.assertNil(rawget(x, "key"))
end

function spec.test_calls_block_in_the_three_parts_of_a_loop()
  local iterable = setmetatable({}, {
    __pairs = function()
      nap()
      return function(_, i)
        nap()
        return i < 3 and i + 1 or nil
      end, nil, 0
    end,
  })
  local sum = 0
  for i in pairs(iterable) do
    nap()
    sum = sum + i
  end
  lu.assertEquals(sum, 6)
end

function spec.test_calls_block_when_variables_are_closed()
  local log = {}
  local function block()
    lu.assertEquals(nap(), "slept")
    table.insert(log, "slept")
  end
  do
    local _ <close> = closing(log, "normal", block)
  end
  pcall(function()
    local _ <close> = closing(log, "error", block)
    error "x"
  end)
  local function returns()
    local _ <close> = closing(log, "return", block)
    return 1, 2, 3
  end
  lu.assertEquals({ returns() }, { 1, 2, 3 })
  lu.assertEquals(log,
    { "normal", "slept", "error", "slept", "return", "slept" })
end

function spec.test_calls_block_in_the_closing_after_an_uncaught_error()
  local log = {}
  local task = ml.spawn(function()
    local _ <close> = closing(log, "outer", nap)
    local _ <close> = closing(log, "inner", function(err)
      nap()
      table.insert(log, err)
    end)
    error("boom", 0)
  end)
  lu.assertEquals(select(2, task:wait()).value, "boom")
  lu.assertEquals(log, { "inner", "boom", "outer" })
end

function spec.test_calls_block_in_a_file_that_is_run()
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "w"))
  file:write("require'miniloop'.sleep(0) return 'ran'")
  file:flush()
  lu.assertEquals(dofile(path), "ran")
  os.remove(path)
end

-- ---------------------------------------------------------- where Lua cannot

function spec.test_a_sort_comparator_cannot_block()
  refuses("sleep", table.sort, { 1, 2, 3 }, nap)
  refuses("sleep", table.sort, setmetatable({}, {
    __len = function()
      return 2
    end,
    __index = nap,
  }))
end

function spec.test_a_gsub_callback_cannot_block()
  refuses("sleep", string.gsub, "x", "x", nap)
  refuses("sleep", string.gsub, "x", "x", setmetatable({}, { __index = nap }))
end

-- C2.1: not what they call, at a line of the runtime's own.
function spec.test_functions_made_in_lua_are_named_at_the_callers_line()
  local net = require "miniloop.net"
  local server <close> = assert(net.serve("127.0.0.1:0", print))
  local signals <close> = ml.signals("USR1")
  nap()
  local calls = {
    map = function() ml.map({}, print) end,
    race = function() ml.race(print) end,
    values = function() for _ in ml.channel():values() do end end,
    names = function() for _ in signals:names() do end end,
    join = function() server:join() end,
    stop = function() server:stop() end,
  }
  for name, call in pairs(calls) do
    local ok, message = pcall(string.gsub, "x", "x", function()
      call()
    end)
    lu.assertFalse(ok)
    lu.assertStrContains(message, ("misplaced_spec.lua:%d: cannot call '%s' "
      .. "here: Lua cannot suspend"):format(
      debug.getinfo(call, "S").linedefined, name))
  end
  lu.assertEquals(server.task:status(), "waiting") -- stop has stopped nothing
end

function spec.test_tostring_cannot_block()
  local object = setmetatable({}, { __tostring = nap })
  refuses("sleep", tostring, object)
  refuses("sleep", string.format, "%s", object)
end

function spec.test_table_functions_on_metamethods_cannot_block()
  local object = setmetatable({}, {
    __index = nap,
    __newindex = nap,
    __len = function()
      return 1
    end,
  })
  refuses("sleep", table.unpack, object)
  refuses("sleep", table.concat, object)
  refuses("sleep", table.insert, object, "x")
  refuses("sleep", table.remove, object)
end

function spec.test_a_reader_of_load_cannot_block()
  -- Lua runs the message handler around a load on its errors, too; in a task
  -- of its own it is not that of the suite, which makes tables of them.
  local chunk, message = ml.spawn(load, nap):join()
  lu.assertNil(chunk)
  lu.assertStrContains(message, "cannot call 'sleep' here")
  lu.assertEquals(nap(), "slept")
end

function spec.test_a_message_handler_cannot_block()
  local text
  local ok, result = xpcall(error, function()
    text = select(2, pcall(nap))
    return "handled"
  end)
  lu.assertFalse(ok)
  lu.assertEquals(result, "handled")
  lu.assertStrContains(text, "cannot call 'sleep' here")
  -- Unguarded, the handler has failed; what comes out is Lua's to say.
  lu.assertFalse((xpcall(error, nap)))
  lu.assertEquals(nap(), "slept")
end

function spec.test_a_hook_cannot_block()
  refuses("sleep", function()
    debug.sethook(function()
      debug.sethook()
      nap()
    end, "", 1)
    for _ = 1, 100 do
      math.abs(1)
    end
  end)
  lu.assertNil(debug.gethook())
end

function spec.test_a_finalizer_cannot_block_and_is_not_inside_a_task()
  local text
  setmetatable({}, {
    __gc = function()
      text = select(2, pcall(nap))
    end,
  })
  collectgarbage()
  collectgarbage()
  lu.assertStrContains(text, "cannot call 'sleep' here: not inside a task")
  lu.assertEquals(nap(), "slept")
end

-- C2.5: Lua itself says nothing of an error in a finalizer.
function spec.test_a_finalizer_that_tries_to_block_is_told_of_once()
  local result = child.run(function()
    for _ = 1, 3 do
      setmetatable({}, { __gc = function() ml.sleep(1) end })
    end
    setmetatable({}, { __gc = function() pcall(ml.sleep, 1) end })
    collectgarbage()
    print "goes on"
  end)
  lu.assertEquals({ result.out, result.status }, { "goes on\n", 0 })
  lu.assertStrMatches(result.err, "miniloop: task 1, in a finalizer that ran "
    .. "in it: [^\n]*misplaced_spec.lua:%d+: cannot call 'sleep' here: "
    .. "not inside a task\n  stack traceback:\n[^:]*misplaced_spec.*")
  lu.assertEquals(select(2, result.err:gsub("miniloop:", "")), 1)
end

-- C2.5
function spec.test_a_finalizer_that_blocks_by_a_function_in_lua_is_told_of()
  local result = child.run(function()
    setmetatable({}, { __gc = function() ml.map({}, print) end })
    collectgarbage()
  end)
  lu.assertStrMatches(result.err, "miniloop: task 1, in a finalizer that ran "
    .. "in it: [^\n]*misplaced_spec.lua:%d+: cannot call 'map' here: .*")
end

-- C2.5: one that is left by a tail call is no more to be seen.
function spec.test_a_finalizer_that_ends_with_a_call_that_blocks_harms_nothing()
  local result = child.run(function()
    local ran = false
    local function allocate()
      setmetatable({}, {
        __gc = function()
          ran = true
          return (function() ml.sleep(1) end)()
        end,
      })
      repeat
        local _ = {}
      until ran
    end
    local f = allocate -- so deep that the runtime has no frame below it
    for _ = 1, 40 do
      f = coroutine.wrap(f)
      local inner = f
      f = function() inner() end
    end
    f()
    print "goes on"
  end)
  lu.assertEquals({ result.out, result.status }, { "goes on\n", 0 })
end

function spec.test_a_coroutine_below_such_a_place_cannot_block_either()
  refuses("sleep", table.sort, { 1, 2 }, coroutine.wrap(nap))
  refuses("sleep", string.gsub, "x", "x", function()
    local co = coroutine.create(nap)
    return assert(select(2, assert(coroutine.resume(co))))
  end)
end

function spec.test_a_coroutine_that_is_closed_cannot_block()
  local text
  local co = coroutine.create(function()
    local _ <close> = closing({}, "x", function()
      text = select(2, pcall(nap))
    end)
    coroutine.yield()
  end)
  coroutine.resume(co)
  lu.assertTrue(coroutine.close(co))
  lu.assertStrContains(text, "cannot call 'sleep' here")
end

function spec.test_every_call_that_may_block_is_refused_and_named()
  local task = ml.spawn(ml.sleep, math.huge)
  local event = ml.event()
  for name, call in pairs {
    sleep = function() ml.sleep(0) end,
    yield = function() ml.yield() end,
    wait = function() task:wait() end,
    join = function() task:join() end,
    wait_io_read = function() ml.wait_io_read(0) end,
    wait_io_write = function() ml.wait_io_write(1) end,
  } do
    refuses(name, table.sort, { 1, 2 }, call)
  end
  refuses("wait", table.sort, { 1, 2 }, function() event:wait() end)
  refuses("yield", table.sort, { 1, 2 }, function() coroutine.yield() end)
  for name, request in pairs {
    sleep = syscall.sleep(0),
    wait = syscall.wait(task),
    wait_io_read = syscall.wait_io_read(0),
  } do
    refuses(name, table.sort, { 1, 2 }, function() coroutine.yield(request) end)
    refuses(name, table.sort, { 1, 2 }, function() ml.perform(request) end)
  end
  task:kill()
end

function spec.test_it_is_refused_even_when_it_could_have_finished_at_once()
  local done = ml.spawn(type, 1)
  done:wait()
  local event = ml.event()
  event:set()
  local file <close> = assert(io.open("/dev/null"))
  refuses("wait", table.sort, { 1, 2 }, function() done:wait() end)
  refuses("join", table.sort, { 1, 2 }, function() done:join() end)
  refuses("wait", table.sort, { 1, 2 }, function() event:wait() end)
  refuses("wait_io_read", table.sort, { 1, 2 },
    function() ml.wait_io_read(file) end)
end

function spec.test_calls_that_never_block_work_there()
  local task = ml.spawn(ml.sleep, math.huge)
  local other = ml.spawn(ml.sleep, math.huge)
  local seen = {}
  table.sort({ 1, 2 }, function()
    if #seen == 0 then
      seen = {
        ml.id(), coroutine.yield(syscall.id()), ml.perform(syscall.id()),
        ml.new(nap), ml.now(), ml.kill(task.id), other:cancel(),
        ml.spawn(nap), ml.self(),
      }
    end
    return false
  end)
  lu.assertEquals(seen[1], ml.id())
  lu.assertEquals(seen[2], ml.id())
  lu.assertEquals(seen[3], ml.id())
  lu.assertEquals(math.type(seen[5]), "float")
  lu.assertEquals({ seen[6], seen[7] }, { true, true })
  lu.assertEquals({ seen[8]:wait() }, { true, "slept" })
  lu.assertIs(seen[9], ml.self())
end

-- ---------------------------------------------------------- outside of tasks

function spec.test_outside_of_a_task_functions_made_in_lua_say_so_too()
  local result = child.run(function()
    print(pcall(function() ml.every(1, print) end))
    print(pcall(function() ml.tasks() end))
    print(pcall(function() ml.map({}, print) end))
  end, { stock = true })
  lu.assertNotStrContains(result.out, "miniloop.lua")
  for _, name in ipairs { "every", "tasks", "map" } do
    lu.assertStrContains(result.out,
      ("cannot call '%s' here: not inside a task"):format(name))
  end
end

function spec.test_outside_of_a_task_a_call_says_so()
  local result = child.run(function()
    local function show(f, ...)
      print(select(2, pcall(f, ...)))
    end
    show(ml.sleep, 0)
    show(ml.yield)
    show(ml.id)
    show(ml.spawn, print)
    show(coroutine.wrap(function()
      ml.sleep(0)
    end))
    show(coroutine.wrap(function()
      coroutine.yield(require "miniloop.syscall".sleep(0))
      print "the resumer has it"
    end))
    show(ml.now)
    for _, name in ipairs { "every", "map", "race", "tasks" } do
      show(ml[name], 1, print)
    end
  end, { stock = true })
  lu.assertEquals(result.err, "")
  local lines = {}
  for line in result.out:gmatch("[^\n]+") do
    lines[#lines + 1] = line
  end
  for i, name in ipairs { "sleep", "yield", "id", "spawn", "sleep" } do
    lu.assertStrContains(lines[i],
      ("cannot call '%s' here: not inside a task"):format(name))
  end
  lu.assertEquals(lines[6], "syscall.sleep(0)")
  lu.assertStrMatches(lines[7], "%d+%.%d+")
  for i, name in ipairs { "every", "map", "race", "tasks" } do
    lu.assertEquals(lines[7 + i],
      ("cannot call '%s' here: not inside a task"):format(name))
  end
end

return spec
