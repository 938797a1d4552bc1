-- A coroutine.yield that was taken before the runtime was there leads out of a
-- block of ours, and its task may end meanwhile. Whoever resumed the coroutine
-- then went on in a block without a task: a null pointer.

local child = require "spec.support.child"
local lu = require "luaunit"

local spec = {}

-- What a coroutine gives that yields in a block and is resumed by another task.
local function resumed(block)
  local result = child.run(function()
    local yield = coroutine.yield
    local ml = require "miniloop"
    ml.run(function()
      local co
      ml.spawn(function()
        co = coroutine.create(function()
          return block(ml, function()
            yield()
            return "back"
          end)
        end)
        coroutine.resume(co)
      end):wait()
      print(coroutine.resume(co))
    end)
  end, { stock = true })
  lu.assertEquals({ result.err, result.status }, { "", 0 })
  return result.out
end

function spec.test_a_timeout()
  lu.assertEquals(resumed(function(ml, f) return ml.timeout(5, f) end),
    "true\tback\n")
end

function spec.test_a_shield()
  lu.assertEquals(resumed(function(ml, f) return ml.shield(f) end),
    "true\tback\n")
end

function spec.test_a_group()
  lu.assertStrMatches(resumed(function(ml, f) return ml.group(f) end),
    "false\t.*: the task that this group was in has ended\n")
end

return spec
