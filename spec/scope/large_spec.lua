-- C5.3, C5.6, C3.6 at size: many tasks in one group, and long chains.

local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

-- The poller does not matter here, so the full size is run with one; and
-- sanitizers and valgrind are slow and keep memory back: fewer tasks then, and
-- no look at the clock.
local function is_small()
  local maps <close> = io.open("/proc/self/maps")
  local text = maps and maps:read("a") or ""
  return text:find("libasan") ~= nil or text:find("vgpreload") ~= nil
    or os.getenv "ML_SPEC_POLLER" ~= "auto"
end

-- What the i-th of many tasks waits for.
local function wait_for(i, world)
  local kind = i % 9
  if kind == 0 then
    ml.sleep(math.huge)
  elseif kind == 1 then
    ml.sleep(1000 + i)
  elseif kind == 2 then
    world.event:wait()
  elseif kind == 3 then
    world.channel:recv()
  elseif kind == 4 then
    world.full:send(i, 5000)
  elseif kind == 5 then
    world.mutex:lock()
  elseif kind == 6 then
    world.semaphore:acquire()
  elseif kind == 7 then
    ml.timeout(1000, world.condition.wait, world.condition)
  else
    ml.any { syscall.recv(world.channel), syscall.sleep(3000),
      syscall.wait(world.event) }
  end
end

local function bytes()
  for _ = 1, 3 do
    collectgarbage()
  end
  return collectgarbage("count") * 1024
end

-- Cancels n tasks in mixed waits by one group; the seconds that took.
local function cancel_many(n)
  local world = {
    event = ml.event(), channel = ml.channel(), full = ml.channel(1),
    mutex = ml.mutex(), semaphore = ml.semaphore(0),
    condition = ml.condition(),
  }
  local start
  world.full:send(0)
  local _, err = ml.group(function(g)
    world.mutex:lock()
    for i = 1, n do
      g:spawn(wait_for, i, world)
    end
    ml.yield()
    ml.yield()
    start = os.clock()
    g:cancel("enough")
  end)
  assert(err.reason == "enough")
  return os.clock() - start
end

-- C5.6
function spec.test_a_hundred_thousand_tasks_are_cancelled_by_one_group()
  child.passes(function()
    local small = is_small()
    local seconds = cancel_many(small and 5000 or 100000)
    lu.assertTrue(small or seconds < 2, seconds)
    lu.assertEquals(#ml.tasks(), 1)
  end)
end

function spec.test_cancelled_tasks_leave_the_memory_as_it_was()
  child.passes(function()
    local n = is_small() and 2000 or 20000
    cancel_many(n) -- they are kept for the tasks to come
    cancel_many(n)
    local before = bytes()
    cancel_many(n)
    lu.assertTrue(bytes() - before < 64 * 1024, bytes() - before)
  end)
end

-- C5.6
function spec.test_the_first_ones_leave_little_behind()
  child.passes(function()
    local before = bytes()
    local keeper = ml.spawn(function()
      ml.locals().kept = "mine"
      ml.sleep(0.01)
      return ml.locals().kept
    end)
    keeper.name = "keeper"
    cancel_many(is_small() and 5000 or 100000)
    for _ = 1, 200 do -- those kept for the tasks to come go a few at a time
      ml.yield()
    end
    lu.assertEquals(keeper.name, "keeper")
    lu.assertTrue(bytes() - before < 512 * 1024, bytes() - before)
    lu.assertEquals({ keeper:wait() }, { true, "mine" })
    cancel_many(100)
  end)
end

-- C3.6
function spec.test_a_chain_of_fifty_thousand_kills_is_no_recursion()
  child.passes(function()
    local tasks, killed, n = {}, 0, is_small() and 2000 or 50000
    for i = 1, n do
      tasks[i] = ml.spawn(function()
        local _ <close> = setmetatable({}, { __close = function()
          killed = killed + 1
          if tasks[i + 1] then
            tasks[i + 1]:kill()
          end
        end })
        ml.sleep(math.huge)
      end)
    end
    ml.yield()
    tasks[1]:kill()
    lu.assertEquals(killed, n)
    lu.assertEquals(#ml.tasks(), 1)
  end)
end

-- A chain of groups, each in a member of the one before; `ended` counts.
local function nest(depth, count)
  local _ <close> = setmetatable({}, { __close = function()
    count.ended = count.ended + 1
  end })
  if depth == 1 then
    ml.sleep(math.huge)
  end
  ml.group(function(g)
    g:spawn(nest, depth - 1, count)
  end)
end

-- C5.3
function spec.test_a_chain_of_fifty_thousand_groups_is_killed()
  child.passes(function()
    local count, n = { ended = 0 }, is_small() and 2000 or 50000
    local outer = ml.spawn(nest, n, count)
    for _ = 1, n + 1 do
      ml.yield()
    end
    outer:kill()
    lu.assertEquals(count.ended, n)
    lu.assertEquals(#ml.tasks(), 1)
  end)
end

function spec.test_a_chain_of_fifty_thousand_groups_is_cancelled()
  child.passes(function()
    local count, n = { ended = 0 }, is_small() and 2000 or 50000
    local outer = ml.spawn(nest, n, count)
    for _ = 1, n + 1 do
      ml.yield()
    end
    outer:cancel("why")
    lu.assertEquals(select(2, outer:wait()).reason, "why")
    lu.assertEquals(count.ended, n)
  end)
end

function spec.test_an_error_goes_up_a_chain_of_many_groups()
  child.passes(function()
    local depth = is_small() and 2000 or 10000
    local value = {}
    local function fail(n)
      if n == 1 then
        error(value)
      end
      ml.group(function(g)
        g:spawn(fail, n - 1)
      end)
    end
    local ok, err = pcall(fail, depth)
    lu.assertFalse(ok)
    lu.assertIs(err, value)
  end)
end

return spec
