-- The collector runs finalizers wherever memory is taken, in the midst of a C
-- function too: one that killed a task freed it under such a function's hands.

local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

-- C3.6, C2.5
function spec.test_what_a_finalizer_kills_ends_after_the_step()
  local closed = false
  local task = ml.spawn(function()
    local _ <close> = setmetatable({}, {
      __close = function()
        closed = true
      end,
    })
    ml.sleep(math.huge)
  end)
  ml.yield()
  setmetatable({}, {
    __gc = function()
      coroutine.wrap(task.kill)(task)
    end,
  })
  collectgarbage()
  lu.assertEquals(task:status(), "cancelled")
  lu.assertFalse(closed)
  lu.assertEquals(select(2, task:wait()).code, "ECANCELED")
  lu.assertTrue(closed)
end

-- A __close that the finalizer makes run, of a coroutine, is a part of it.
function spec.test_what_a_close_in_a_finalizer_kills_ends_after_the_step()
  for _, close in ipairs { coroutine.close, coroutine.resume } do
    local closed = false
    local task = ml.spawn(function()
      local _ <close> = setmetatable({}, {
        __close = function()
          closed = true
        end,
      })
      ml.sleep(math.huge)
    end)
    ml.yield()
    local co = coroutine.create(function()
      local _ <close> = setmetatable({}, { __close = function()
        task:kill()
      end })
      coroutine.yield()
      coroutine.wrap(error)()
    end)
    coroutine.resume(co)
    setmetatable({}, { __gc = function() close(co) end })
    collectgarbage()
    lu.assertFalse(closed)
    lu.assertEquals(select(2, task:wait()).code, "ECANCELED")
    lu.assertTrue(closed)
  end
end

-- Under the address sanitizer this shows any use of a task that is gone.
function spec.test_finalizers_may_kill_what_is_just_being_made()
  local going = true
  local newest = 0
  local function arm()
    setmetatable({}, {
      __gc = function()
        if going then
          ml.kill(newest + 1)
          arm()
        end
      end,
    })
  end
  collectgarbage("incremental", 100, 1000, 6)
  for _ = 1, 50 do
    arm()
  end
  ml.group(function(g)
    for _ = 1, 2000 do
      newest = g:spawn(ml.yield).id
      ml.wait(newest, 0)
    end
  end)
  going = false
  collectgarbage("incremental", 200, 100, 13)
end

-- C3.6: "at once". No finalizer is what is only called so.
function spec.test_a_function_named_gc_that_is_called_kills_at_once()
  local task = ml.spawn(ml.sleep, math.huge)
  ml.yield()
  local object = {}
  function object.__gc()
    task:kill()
    return ml.kill(task)
  end
  local ok, err = object.__gc()
  lu.assertNil(ok)
  lu.assertEquals(err.code, "ESRCH")
end

-- To look for the finalizer took minutes here.
function spec.test_a_kill_costs_no_more_deep_inside_of_calls()
  local tasks = {}
  for i = 1, 20 do
    tasks[i] = ml.spawn(ml.sleep, math.huge)
  end
  ml.yield()
  local function kill_all(depth)
    if depth > 0 then
      return (kill_all(depth - 1))
    end
    local start = os.clock()
    for _, task in ipairs(tasks) do
      task:kill()
    end
    return os.clock() - start
  end
  lu.assertTrue(kill_all(50000) < 5)
end

return spec
