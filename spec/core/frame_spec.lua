-- The base frame of coroutines: what a cancellation ends in them may block, and
-- otherwise nothing shows that there is one. C5.6, C3.3, C8.3.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

-- Notes `name`, blocks, and notes that it went on.
local function blocking(log, name)
  return closing(log, name, function()
    ml.sleep(0)
    table.insert(log, name .. " slept")
  end)
end

-- Runs f as a task until it blocks, cancels it, and gives what wait answers.
local function cancel_in(f)
  local task = ml.spawn(f)
  ml.yield()
  task:cancel()
  return task:wait()
end

-- ---------------------------------------------------------------- cancellation

-- C5.6
function spec.test_clean_up_of_generators_may_block_and_the_consumer_waits()
  local log = {}
  local ok, err = cancel_in(function()
    local _ <close> = blocking(log, "task")
    for _ in coroutine.wrap(function()
      local _ <close> = blocking(log, "outer")
      coroutine.wrap(function()
        local _ <close> = blocking(log, "inner")
        ml.sleep(math.huge)
      end)()
    end) do
      lu.fail("not reached")
    end
  end)
  lu.assertEquals({ ok, err.code }, { nil, "ECANCELED" })
  lu.assertEquals(log, {
    "inner", "inner slept", "outer", "outer slept", "task", "task slept",
  })
end

-- C5.6
function spec.test_resume_tells_of_the_cancellation_when_all_is_closed()
  local log = {}
  local ok, err = cancel_in(function()
    local co = coroutine.create(function()
      local _ <close> = blocking(log, "coroutine")
      ml.sleep(math.huge)
    end)
    local good, why = coroutine.resume(co)
    table.insert(log, coroutine.status(co))
    table.insert(log, good)
    error(why)
  end)
  lu.assertEquals({ ok, err.code }, { nil, "ECANCELED" })
  lu.assertEquals(log, { "coroutine", "coroutine slept", "dead", false })
end

-- C5.5
function spec.test_a_timeout_around_a_generator_waits_for_its_clean_up()
  child.in_virtual_time(function()
    local log = {}
    local ok, err = ml.timeout(1, function()
      coroutine.wrap(function()
        local _ <close> = closing(log, "generator", function()
          ml.sleep(2)
          table.insert(log, ml.now())
        end)
        ml.sleep(math.huge)
      end)()
    end)
    lu.assertEquals({ ok, err.code }, { nil, "ETIMEDOUT" })
    lu.assertEquals(log, { "generator", 3.0 })
  end)
end

-- C5.6
function spec.test_the_grace_time_ends_clean_up_in_generators_too()
  child.in_virtual_time(function()
    local log = {}
    local ok, err = cancel_in(function()
      coroutine.wrap(function()
        local _ <close> = closing(log, "generator", function()
          local _, why = pcall(ml.sleep, math.huge)
          table.insert(log, why.code)
        end)
        ml.sleep(math.huge)
      end)()
    end)
    lu.assertEquals({ ok, err.code }, { nil, "ECANCELED" })
    lu.assertEquals(log, { "generator", "ECANCELED" })
    lu.assertEquals(ml.now(), 5.0)
  end)
end

-- C3.6
function spec.test_a_kill_abandons_clean_up_that_blocks_in_a_generator()
  local log = {}
  local task = ml.spawn(function()
    local _ <close> = closing(log, "task")
    coroutine.wrap(function()
      local _ <close> = closing(log, "first")
      local _ <close> = closing(log, "second", function()
        ml.sleep(math.huge)
        lu.fail("not reached")
      end)
      ml.sleep(math.huge)
    end)()
  end)
  ml.yield()
  task:cancel()
  ml.yield()
  task:kill()
  local _, err = task:wait()
  lu.assertEquals(err.code, "ECANCELED")
  lu.assertEquals(log, { "second", "first", "task" })
end

-- ------------------------------------------------------------------ tracebacks

-- Shows tracebacks of coroutines at rest, dead and running; to be compared.
local function tracebacks()
  local function fail()
    error("boom", 0)
  end
  local function show(text)
    print((tostring(text):gsub("0x%x+", "ADDRESS")))
  end
  local co = coroutine.create(function()
    coroutine.yield()
    local _ = pcall(fail)
    fail()
  end)
  coroutine.resume(co)
  show(debug.traceback(co))
  show(debug.traceback(co, "suspended", 1))
  show(debug.traceback(co, "suspended", 100))
  show(debug.traceback(co, "suspended", -1))
  show(select(2, coroutine.resume(co)))
  show(debug.traceback(co))
  show(debug.traceback(co, "text"))
  show(debug.traceback(co, "text", 1))
  show(debug.traceback(co, nil, 100))
  show(debug.traceback(co, nil, -1))
  show(debug.traceback(co, 7))
  show(debug.traceback(co, {}) ~= nil)
  coroutine.close(co)
  show(debug.traceback(co, "closed"))
  local inner = coroutine.create(function()
    show(debug.traceback("inside"))
    show(debug.traceback("inside", 0))
    show(debug.traceback("inside", 100))
    show(select(2, xpcall(fail, debug.traceback)))
    return table.unpack({}, 1, 1e7)
  end)
  coroutine.resume(inner)
  show(debug.traceback(inner))
  show(debug.traceback(coroutine.create(fail)))
  show(pcall(debug.traceback, co, "text", "x"))
end

-- C8.3
function spec.test_a_traceback_of_what_is_no_text_is_that_itself()
  local value = {}
  local co = coroutine.create(print)
  lu.assertIs(debug.traceback(value, 1), value)
  lu.assertIs(debug.traceback(co, value, 1), value)
end

-- C8.3
function spec.test_tracebacks_are_as_in_lua()
  local stock = child.run(tracebacks, { stock = true })
  lu.assertEquals(stock.err, "")
  local ours = child.passes(function()
    assert(ml) -- a script that uses it
    tracebacks()
  end)
  lu.assertEquals(ours.out, stock.out)
end

-- C3.3
function spec.test_a_traceback_of_a_dead_coroutine_goes_with_it()
  local function dead()
    local co = coroutine.create(error)
    coroutine.resume(co, "x")
    return co
  end
  lu.assertStrContains(debug.traceback(dead()), "'error'")
  local weak = setmetatable({ dead() }, { __mode = "v" })
  collectgarbage()
  collectgarbage()
  lu.assertNil(weak[1])
end

-- C5.6, C8.2: it need not be loaded by `require`.
function spec.test_a_script_with_the_global_alone_has_frames_too()
  local result = child.passes(function()
    local id = coroutine.yield(syscall.new(function()
      local nap = syscall.sleep(100)
      print(pcall(coroutine.wrap(function()
        local _ <close> = setmetatable({}, { __close = function()
          coroutine.yield(syscall.sleep(0.001))
          print("closed")
        end })
        coroutine.yield(nap)
      end)))
    end))
    coroutine.yield(syscall.sleep(0))
    coroutine.yield(syscall.cancel(id))
  end)
  lu.assertStrMatches(result.out, "closed\nfalse\t.*\n")
end

-- --------------------------------------------------------------- plain scripts

-- C8.3
function spec.test_a_script_without_miniloop_closes_a_dead_coroutine_itself()
  local function plain()
    local closed = false
    local co = coroutine.create(function()
      local _ <close> = setmetatable({}, { __close = function()
        closed = true
      end })
      error("boom", 0)
    end)
    print(coroutine.resume(co))
    print(closed, coroutine.close(co))
    print(closed)
  end
  local stock = child.run(plain, { stock = true })
  lu.assertEquals(child.passes(plain).out, stock.out)
end

-- As Lua's own.
function spec.test_a_traceback_of_what_is_no_text_is_that()
  local value, co = {}, coroutine.create(print)
  lu.assertIs(debug.traceback(value), value)
  lu.assertIs(debug.traceback(co, value), value)
  lu.assertStrMatches(debug.traceback(nil), "stack traceback:\n.*")
  lu.assertStrMatches(debug.traceback(7), "7\nstack traceback:\n.*")
end

return spec
