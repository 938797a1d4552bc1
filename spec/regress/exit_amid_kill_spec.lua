-- A finalizer that ran between the steps of a kill, outside of all tasks, and
-- called os.exit, ended the process there and then: what other tasks had open
-- was not closed.

local child = require "spec.support.child"
local lu = require "luaunit"

local spec = {}

-- C8.4: finalizers run where Lua looks for garbage, and in a kill that is only
-- where a task that never ran gets the reason that it was cancelled for.
function spec.test_all_is_closed_where_a_finalizer_exits_amid_a_kill()
  local result = child.run(function()
    local ml = require "miniloop"
    local killing, runs = false, 0
    local finalized = { __gc = function()
      runs = runs + 1
      if killing and not pcall(ml.id) then
        io.stderr:write "x"
        os.exit(7, true)
      end
    end }
    ml.spawn(function()
      local _ <close> = setmetatable({}, { __close = function()
        print "closed"
      end })
      ml.sleep(math.huge)
    end)
    ml.sleep(0)
    collectgarbage("incremental", 100, 100, 1)
    for _ = 1, 300 do
      for _ = 1, 1000 do
        setmetatable({}, finalized)
      end
      local before = runs
      while runs == before do -- the others follow one by one
        collectgarbage("step", 0)
      end
      pcall(ml.timeout, 0, ml.group, function(group)
        group:spawn(type).name = "never runs"
        killing = true
        ml.sleep(9)
      end)
      killing = false
    end
  end, { virtual = true })
  lu.assertStrContains(result.err, "x")
  lu.assertEquals({ result.out, result.status }, { "closed\n", 7 })
end

return spec
