-- Tasks that gave way in a round are in a list of their own while timers ring;
-- core.check, called by what such a timer kills, missed them. (Found by the
-- simulation, seed 1268846.)

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local core = require "miniloop.core"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

-- C5.6
function spec.test_the_books_are_right_where_a_timer_kills()
  child.in_virtual_time(function()
    local checked
    ml.detach(function()
      for _ = 1, 1000 do
        ml.yield()
      end
    end)
    ml.group(function(g)
      g:spawn(function()
        local _ <close> = closing({}, "", function()
          checked = core.check()
        end)
        while true do
          pcall(ml.sleep, math.huge)
        end
      end)
      ml.yield()
      g:cancel("enough", { grace = 0 })
    end)
    lu.assertTrue(checked)
  end)
end

return spec
