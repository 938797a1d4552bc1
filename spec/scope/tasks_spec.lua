-- C5.1: the list of the living tasks.

local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

local function find(id)
  for _, info in ipairs(ml.tasks()) do
    if info.id == id then
      return info
    end
  end
  return nil
end

-- C5.1
function spec.test_the_living_tasks_are_listed_oldest_first()
  local tasks = {}
  for i = 1, 5 do
    tasks[i] = ml.spawn(ml.sleep, math.huge)
  end
  local last = 0
  for _, info in ipairs(ml.tasks()) do
    lu.assertTrue(info.id > last)
    last = info.id
  end
  lu.assertEquals(last, tasks[5].id)
  for _, task in ipairs(tasks) do
    task:kill()
    lu.assertNil(find(task.id))
  end
end

function spec.test_each_has_its_name_status_and_place()
  lu.assertEquals(find(ml.id()).status, "running")
  local task = ml.spawn(ml.sleep, math.huge)
  lu.assertEquals(find(task.id).status, "ready")
  lu.assertNil(find(task.id).waits)
  lu.assertNil(find(task.id).name)
  task.name = "sleeper"
  ml.yield()
  local info = find(task.id)
  lu.assertEquals({ info.status, info.name }, { "waiting", "sleeper" })
  lu.assertStrMatches(info.spawned, ".*tasks_spec%.lua:%d+.*")
  task:kill()
end

function spec.test_each_tells_what_it_waits_for_and_since_when()
  child.in_virtual_time(function()
    local other = ml.spawn(ml.sleep, math.huge)
    local event, channel, mutex = ml.event(), ml.channel(), ml.mutex()
    mutex:lock()
    ml.sleep(2)
    for text, wait in pairs { -- how it is worded is not the point
      ["for ever"] = function() ml.sleep(math.huge) end,
      sleep = function() ml.sleep(10) end,
      event = function() event:wait() end,
      channel = function() channel:recv() end,
      mutex = function() mutex:lock() end,
      ["task 2"] = function() other:wait() end,
      any = function()
        ml.any { syscall.recv(channel), syscall.sleep(10) }
      end,
      tasks = function()
        ml.group(function(g) g:spawn(ml.sleep, math.huge) end)
      end,
    } do
      local task = ml.spawn(wait)
      ml.yield()
      local found
      for _, info in ipairs(ml.tasks()) do
        if info.id == task.id then
          found = info
        end
      end
      lu.assertStrContains(found.waits, text)
      lu.assertEquals(found.since, 2.0)
      task:kill()
    end
    other:kill()
  end)
end

function spec.test_a_traceback_is_made_on_demand()
  local function deep()
    ml.sleep(math.huge)
  end
  local task = ml.spawn(function()
    deep()
  end)
  lu.assertNil(find(task.id):traceback()) -- it has not begun
  ml.yield()
  local info = find(task.id)
  lu.assertStrContains(info:traceback(), "in upvalue 'deep'")
  task:kill()
  lu.assertNil(info:traceback())
end

return spec
