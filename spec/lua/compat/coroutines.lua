-- Coroutines of the script's own.

local function show(...)
  print(...)
  return ...
end

local co = coroutine.create(function(...)
  print("started", ...)
  local x, y = coroutine.yield(1, 2)
  print("resumed", x, y, coroutine.isyieldable())
  print(select("#", coroutine.yield()))
  return "done", nil
end)
print(coroutine.status(co), coroutine.resume(co, "a", nil))
print(coroutine.status(co), coroutine.resume(co, "b", "c"))
print(coroutine.resume(co))
print(coroutine.status(co), coroutine.resume(co))
print(coroutine.close(co), coroutine.status(co))

local function range(n)
  return coroutine.wrap(function()
    for i = 1, n do
      coroutine.yield(i)
    end
  end)
end
local sum = 0
for i in range(100) do
  for j in range(3) do
    sum = sum + i * j
  end
end
print(sum)

-- Status of one that resumed another, and resuming what cannot be.
local outer
outer = coroutine.create(function()
  local inner = coroutine.create(function()
    print("from inside", coroutine.status(outer), coroutine.resume(outer))
    print(pcall(coroutine.close, outer))
  end)
  print(coroutine.resume(inner))
  print(coroutine.status(inner), coroutine.running() == outer,
    coroutine.resume(outer))
  print(pcall(coroutine.close, outer))
end)
print(coroutine.resume(outer))

-- Errors.
local failing = coroutine.create(function() error({ code = 7 }) end)
local ok, err = coroutine.resume(failing)
print(ok, err.code, coroutine.status(failing), coroutine.close(failing))
print(pcall(coroutine.wrap(function() error "with a place" end)))
print(pcall(coroutine.wrap(function() error("without", 0) end)))
local dead = coroutine.wrap(function() end)
dead()
print(pcall(dead))
print(pcall(coroutine.resume, 1), pcall(coroutine.create, 1))
print(pcall(coroutine.wrap(function()
  return table.unpack({}, 1, 200)
end)))

-- Yields across pcall, metamethods, iterators, and where they cannot go.
local through = coroutine.wrap(function()
  print(pcall(function()
    coroutine.yield("in pcall")
    error "after"
  end))
  print(xpcall(function()
    coroutine.yield("in xpcall")
    error "again"
  end, function(message) return "handled " .. message end))
  local t = setmetatable({}, {
    __index = function(_, k) return coroutine.yield("index " .. k) end,
    __add = function() return coroutine.yield("add") end,
    __concat = function() return coroutine.yield("concat") end,
    __lt = function() return coroutine.yield("lt") end,
    __call = function() return coroutine.yield("call") end,
  })
  print(t.x, t + 1, t .. "", t < t, t())
  for v in function(_, v) return coroutine.yield("iterator " .. tostring(v)) end
  do
    print("loop", v)
  end
  print(pcall(table.sort, { 1, 2, 3 }, coroutine.yield))
  print(pcall(string.gsub, "x", "x", coroutine.yield))
  return "end"
end)
for i = 1, 10 do
  local what = through(i < 9 and i or nil)
  print("got", what)
  if what == "end" then break end
end

-- Variables to be closed.
local function closing(name)
  return setmetatable({}, { __close = function(_, e)
    print("closing", name, e)
  end })
end
local pending = coroutine.create(function()
  local _ <close> = closing "outer"
  local _ <close> = closing "inner"
  coroutine.yield()
end)
coroutine.resume(pending)
print(coroutine.close(pending), coroutine.status(pending))
local broken = coroutine.create(function()
  local _ <close> = closing "first"
  local _ <close> = setmetatable({}, { __close = function()
    error("in close", 0)
  end })
  coroutine.yield()
end)
coroutine.resume(broken)
print(coroutine.close(broken))
local wrapped = coroutine.wrap(function()
  local _ <close> = closing "of a wrap"
  error("raised", 0)
end)
print(pcall(wrapped))

-- Producer, filter, consumer.
local function producer()
  return coroutine.wrap(function()
    for line in ("a\nb\nc"):gmatch("%a") do
      coroutine.yield(line)
    end
  end)
end
local function numbered(source)
  return coroutine.wrap(function()
    local n = 0
    for line in source do
      n = n + 1
      coroutine.yield(("%d %s"):format(n, line))
    end
  end)
end
for line in numbered(producer()) do
  io.write(line, "; ")
end
print()

local function permute(list, n)
  n = n or #list
  if n <= 1 then
    coroutine.yield(table.concat(list))
  end
  for i = 1, n do
    list[n], list[i] = list[i], list[n]
    permute(list, n - 1)
    list[n], list[i] = list[i], list[n]
  end
end
for p in coroutine.wrap(function() permute { "a", "b", "c" } end) do
  io.write(p, " ")
end
print()
local deep = 0
local function nest()
  deep = deep + 1
  if deep < 50 then
    coroutine.wrap(nest)()
  end
end
nest()
print(deep)
show(coroutine.wrap(function(...) return select("#", ...), ... end)(nil, nil))
