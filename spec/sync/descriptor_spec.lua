-- C6.2: none of them takes a descriptor, however many there are.

local child = require "spec.support.child"
local lfs = require "lfs"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

local function descriptors()
  local count = 0
  for _ in lfs.dir("/proc/self/fd") do
    count = count + 1
  end
  return count
end

-- C6.2
function spec.test_hundreds_of_them_that_are_waited_for_take_no_descriptor()
  lu.skipIf(not lfs.attributes("/proc/self/fd"), "no /proc to count them in")
  child.in_virtual_time(function()
    ml.sleep(0.001) -- what the loop makes for itself is there
    local before = descriptors()
    ml.group(function(g)
      for _ = 1, 200 do
        local mutex = ml.mutex()
        mutex:lock()
        for method, object in pairs {
          lock = mutex, acquire = ml.semaphore(0), wait = ml.condition(),
          recv = ml.channel(),
        } do
          g:spawn(object[method], object)
        end
        local event = ml.event()
        g:spawn(event.wait, event)
      end
      ml.sleep(1)
      lu.assertEquals(#ml.tasks(), 1001)
      lu.assertEquals(descriptors(), before)
      g:cancel()
    end)
  end)
end

return spec
