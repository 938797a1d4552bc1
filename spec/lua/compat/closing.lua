-- Variables to be closed.

local function new(name, f)
  return setmetatable({}, { __close = function(_, err)
    print("close", name, err)
    if f then f() end
  end })
end

do
  local a <close> = new "a"
  local b <close> = new "b"
  local c <close> = nil
  local d <close> = false
  print("body", a ~= nil, b ~= nil, c, d)
end

local function returns()
  local a <close> = new "returning"
  return "value", a ~= nil
end
print(returns())

for i = 1, 3 do
  local _ <close> = new(i)
  if i == 2 then break end
end

local function upto3(_, i)
  i = (i or 0) + 1
  return i < 3 and i or nil
end
for i in upto3, nil, nil, new "generic for" do
  print("iteration", i)
end

local i = 0
::again::
do
  local _ <close> = new("goto")
  i = i + 1
  if i < 2 then goto again end
end

print(pcall(function()
  local _ <close> = new "outer"
  local _ <close> = new("failing", function() error("from close", 0) end)
  local _ <close> = new "inner"
  error("from body", 0)
end))

print(pcall(function()
  local _ <close> = 42
end))

local function tail()
  local _ <close> = new "no tail call"
  return (function() return "result" end)()
end
print(tail())

local co = coroutine.wrap(function()
  local _ <close> = setmetatable({}, { __close = function()
    coroutine.yield("from close")
    print("closed after a yield")
  end })
  return "returned"
end)
print(co())
print(co())

local file <close> = io.tmpfile()
print(io.type(file))
local _ <close> = new "at the end of the chunk"
print "last line"
