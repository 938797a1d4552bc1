-- A script that takes memory in one of many hostile ways, in a task of its own,
-- while another task ticks. Run under a cap:
--
--   miniloop --max-memory=2M spec/torture/hog.lua PATTERN
--   miniloop spec/torture/hog.lua                 (prints the patterns)
--
-- It prints one line if all is as promised: the hog met an error or gave up,
-- the other task went on, what the hog had opened was closed, and afterwards
-- there is room again.

local ml = require "miniloop"

local ROUNDS <const> = 2000 -- of patterns that end by themselves

local patterns = {}
local closed = 0

local function closing(f)
  return setmetatable({}, {
    __close = function(_, err)
      closed = closed + 1
      if f then
        f(err)
      end
    end,
  })
end

-- ------------------------------------------------------------- one big thing

function patterns.big_string()
  return ("x"):rep(1 << 38)
end

function patterns.doubled_string()
  local s = "x"
  while true do
    s = s .. s
  end
end

function patterns.gsub()
  local s = "abc"
  while true do
    s = s:gsub(".", "%0%0")
  end
end

function patterns.concat()
  local t = {}
  for i = 1, 100 do
    t[i] = ("y"):rep(1000)
  end
  while true do
    t[#t + 1] = table.concat(t)
  end
end

function patterns.array()
  local t = {}
  for i = 1, math.huge do
    t[i] = i
  end
  return t
end

function patterns.hash()
  local t = {}
  for i = 1, math.huge do
    t[i + 0.5] = i
  end
  return t
end

function patterns.recursion()
  local function f(n)
    return 1 + f(n + 1)
  end
  return f(1)
end

function patterns.buffer()
  local bytes = require "miniloop.net".buffer()
  while true do
    bytes:append(("z"):rep(5000))
  end
end

-- ---------------------------------------------------------- many small things

function patterns.list()
  local list
  while true do
    list = { list }
  end
end

function patterns.strings()
  local t = {}
  for i = 1, math.huge do
    t[i] = ("%20d"):format(i)
  end
  return t
end

function patterns.closures()
  local f = print
  while true do
    local g = f
    f = function()
      return g()
    end
  end
end

function patterns.coroutines()
  local t = {}
  while true do
    t[#t + 1] = coroutine.wrap(coroutine.yield)
    t[#t]()
  end
end

function patterns.chunks()
  local t = {}
  while true do
    t[#t + 1] = assert(load "return { 1, 2, function(...) return ... end }")
  end
end

function patterns.channels()
  local t = {}
  while true do
    t[#t + 1] = ml.channel(2)
  end
end

function patterns.finalizers()
  local t = {}
  while true do
    t[#t + 1] = setmetatable({}, {
      __gc = function()
        return { {} }
      end,
    })
  end
end

-- ------------------------------------------------------------- tables that go

-- Emergency collections in the midst of an assignment to a table whose
-- metatable is weak were a fault of Lua 5.4.4.
function patterns.weak_metatables()
  local last
  for i = 1, ROUNDS do
    local meta = setmetatable({ __mode = "kv" }, { __mode = "kv" })
    meta.__newindex = function(t, k, v)
      rawset(t, k, { v, last, ("w"):rep(500 + i) })
    end
    last = setmetatable({}, meta)
    for k = 1, 8 do
      last[k] = { last }
    end
  end
end

function patterns.ephemerons()
  local t = setmetatable({}, { __mode = "k" })
  local key = {}
  for _ = 1, 50 * ROUNDS do
    local next_key = {}
    t[key] = next_key
    key = next_key
  end
end

-- ------------------------------------------------------------------ with tasks

function patterns.tasks()
  ml.group(function(g)
    while true do
      g:spawn(ml.sleep, 1000)
    end
  end)
end

function patterns.in_a_timeout()
  ml.timeout(1000, patterns.list)
end

function patterns.in_a_generator()
  for _ in coroutine.wrap(patterns.list) do
  end
end

function patterns.locals()
  for i = 1, math.huge do
    ml.locals()[i] = { i }
  end
end

-- --------------------------------------------------------- while cleaning up

function patterns.close_that_allocates()
  local list
  local _ <close> = closing(function(err)
    assert(type(err) == "string" and #{ {}, { {} }, {} } == 3)
  end)
  while true do
    list = { list }
  end
end

function patterns.close_that_hogs()
  local list
  local _ <close> = closing(patterns.array)
  local _ <close> = closing(patterns.list)
  while true do
    list = { list }
  end
end

function patterns.close_that_blocks()
  local list
  local _ <close> = closing(function()
    ml.sleep(0.001)
    closed = closed - 1
    ml.sleep(0.001)
    closed = closed + 1
  end)
  while true do
    list = { list }
  end
end

function patterns.caught()
  local t = {}
  for i = 1, 40 do
    pcall(function()
      while true do
        t[#t + 1] = {}
      end
    end)
    if i % 10 == 0 then
      pcall(ml.sleep, 0)
    end
  end
end

function patterns.cancelled()
  local kid = ml.spawn(function()
    local _ <close> = closing()
    local t = {}
    while true do
      t[#t + 1] = {}
      if #t % 100 == 0 then
        ml.yield()
      end
    end
  end)
  ml.sleep(0.002)
  kid:cancel()
  kid:wait()
  error "done"
end

-- ----------------------------------------------------------------------- run

local function names()
  local list = {}
  for name in pairs(patterns) do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end

if not arg[1] then
  print(table.concat(names(), "\n"))
  return
end

local opened = {
  close_that_allocates = 1,
  close_that_hogs = 2,
  close_that_blocks = 1,
}
local ticks, stop = 0, ml.event()

local ticker = ml.spawn(function()
  local _ <close> = closing()
  repeat
    ticks = ticks + 1
    local _, over = pcall(stop.wait, stop, 0.0005) -- no memory: it tries again
  until over == true
end)

ml.sleep(0.001)
ml.spawn(patterns[arg[1]]):wait()
collectgarbage()
collectgarbage()
local before = ticks
while ticks < before + 3 do
  ml.sleep(0.0005)
end
stop:set()
assert(ticker:wait())
assert(closed >= 1 + (opened[arg[1]] or 0), "something stayed open")
assert(#ml.tasks() == 1, "a task is left")
assert(#("x"):rep(20000) == 20000, "there is no room")
print "all is well"
