-- Stock Lua's os.exit(n, true) closes the state under the feet of whoever calls
-- it. In the handler of a kill, the loop took that kill for one to go on with:
-- what it closed by then was put off until after it, for ever.

local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

-- A task that holds something, and at its end prints and calls `f`, if given.
local function hold(name, f)
  local task = ml.spawn(function()
    local _ <close> = setmetatable({}, {
      __close = function()
        print(name)
        if f then
          f()
        end
      end,
    })
    ml.sleep(math.huge)
  end)
  ml.sleep(0)
  return task
end

local function leave()
  os.exit(7, true)
end

local function assert_leaves(f, out)
  local result = child.run(f, { stock = true })
  lu.assertEquals({ result.err, result.out, result.status }, { "", out, 7 })
end

-- C9.3
function spec.test_in_the_handler_of_a_kill_the_others_are_closed()
  assert_leaves(function()
    ml.run(function()
      hold("first")
      hold("second")
      hold("victim", leave):kill()
    end)
  end, "victim\nsecond\nfirst\n")
end

-- Those that were asked for, and had to wait for this one.
function spec.test_in_the_handler_of_a_kill_further_kills_are_carried_out()
  assert_leaves(function()
    ml.run(function()
      hold("first")
      local second = hold("second")
      local third = hold("third")
      hold("victim", function()
        second:kill()
        third:kill()
        leave()
      end):kill()
    end)
  end, "victim\nsecond\nthird\nfirst\n")
end

function spec.test_in_a_task_the_others_are_closed()
  assert_leaves(function()
    ml.run(function()
      hold("other")
      leave()
    end)
  end, "other\n")
end

-- It is not over, but there is nothing of it any more.
function spec.test_what_closed_the_state_is_told_as_cancelled_by_finalizers()
  assert_leaves(function()
    local me
    local last = setmetatable({}, { -- made first, and so the last to go
      __gc = function()
        print(me:status())
      end,
    })
    ml.run(function()
      me = ml.self()
      print(me:status())
      leave(last)
    end)
  end, "running\ncancelled\n")
end

function spec.test_in_clean_up_and_in_a_finalizer_the_others_are_closed()
  assert_leaves(function()
    ml.run(function()
      hold("other")
      local _ <close> = setmetatable({}, { __close = leave })
    end)
  end, "other\n")
  assert_leaves(function()
    ml.run(function()
      hold("other")
      setmetatable({}, { __gc = leave })
      collectgarbage()
    end)
  end, "other\n")
end

function spec.test_inside_of_generators_the_others_are_closed()
  assert_leaves(function()
    ml.run(function()
      hold("other")
      coroutine.wrap(function()
        coroutine.wrap(leave)()
      end)()
    end)
  end, "other\n")
end

-- A group whose function and whose member hold something, and the member.
local function hold_in_group(f)
  local member
  ml.spawn(ml.group, function(g)
    member = g:spawn(function()
      local _ <close> = setmetatable({}, {
        __close = function()
          print("member")
          f()
        end,
      })
      ml.sleep(math.huge)
    end)
    local _ <close> = setmetatable({}, {
      __close = function()
        print("owner")
      end,
    })
    ml.sleep(math.huge)
  end)
  ml.sleep(0)
  ml.sleep(0)
  return member
end

-- The owner waited for its member, which was never gone on with.
function spec.test_in_the_handler_of_a_members_kill_the_owner_is_closed()
  assert_leaves(function()
    ml.run(function()
      hold("other")
      hold_in_group(leave):kill()
    end)
  end, "member\nowner\nother\n")
end

function spec.test_in_a_member_its_owner_is_closed()
  assert_leaves(function()
    ml.run(function()
      hold("other")
      ml.group(function(g)
        local _ <close> = setmetatable({}, {
          __close = function()
            print("owner")
          end,
        })
        g:spawn(leave)
        ml.sleep(math.huge)
      end)
    end)
  end, "other\nowner\n")
end

return spec
