-- Debian 12's Lua 5.4.4 leaves a stale stack top when a __concat metamethod
-- makes the stack grow, as it does in a fresh coroutine: wrong values, and
-- crashes. The runtime is built with a sound Lua, or reserves stack.

local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

local function new_class()
  local Class = {}
  Class.__index = Class
  Class.__tostring = function(self)
    return string.format("%s", self.name)
  end
  Class.__concat = function(a, b)
    return tostring(a) .. tostring(b)
  end
  return Class
end

-- What is joined at that depth of calls, with values around it to be damaged.
local function join_at(depth, object)
  if depth > 0 then
    return (join_at(depth - 1, object)) -- no tail call
  end
  local a, b, c = "a", "b", "c"
  local text = a .. object .. b .. object .. c
  return text .. a .. b .. c
end

local function wrong_depths(run)
  local object = setmetatable({ name = "name" }, new_class())
  local wrong = {}
  for depth = 0, 300 do
    if run(depth, object) ~= "anamebnamecabc" then
      wrong[#wrong + 1] = depth
    end
  end
  return wrong
end

function spec.test_a_class_with_concat_is_right_at_all_depths_in_fresh_tasks()
  child.passes(function()
    lu.assertEquals(wrong_depths(function(depth, object)
      local _, text = ml.spawn(join_at, depth, object):wait()
      return text
    end), {})
  end)
end

function spec.test_a_class_with_concat_is_right_in_fresh_coroutines_of_a_task()
  child.passes(function()
    lu.assertEquals(wrong_depths(function(depth, object)
      return coroutine.wrap(join_at)(depth, object)
    end), {})
    lu.assertEquals(wrong_depths(function(depth, object)
      local co = coroutine.create(join_at)
      return select(2, coroutine.resume(co, depth, object))
    end), {})
  end)
end

function spec.test_a_class_with_concat_is_right_in_recycled_tasks()
  child.passes(function()
    for _ = 1, 3 do
      for _ = 1, 300 do
        ml.new(type, 1)
      end
      ml.yield()
      collectgarbage()
      lu.assertEquals(wrong_depths(function(depth, object)
        local _, text = ml.spawn(join_at, depth, object):wait()
        return text
      end), {})
    end
  end)
end

return spec
