-- Errors, handlers, tracebacks.

print(pcall(error))
print(pcall(error, nil))
print(pcall(error, "message", 0))
print(pcall(error, { 1 }) == false, select(2, pcall(error, 7)))

local function raise(level)
  error("raised", level)
end
for level = 0, 3 do
  print(level, pcall(function()
    raise(level)
  end))
end

print(select("#", pcall(function() return 1, nil, nil end)))
print(xpcall(function(...) return ... end, print, "a", nil))
print(xpcall(error, function(m) return m, "dropped" end, "m", 0))
print(xpcall(function() error("first", 0) end, function()
  error("second", 0)
end))
print(pcall(assert, false), pcall(assert, nil, "because"))
print(pcall(assert, false, 7))
print(pcall(assert), assert(1, 2, 3))

local object = setmetatable({}, { __tostring = function() return "object" end })
print(select(2, pcall(error, object)) == object, tostring(object))
object = setmetatable({}, { __tostring = function() return 1 end })
print(pcall(tostring, object))

local function overflow()
  return 1 + overflow()
end
local ok, message = pcall(overflow)
print(ok, message:match("stack overflow"))
local function pcalls(n)
  if n == 0 then
    return pcall(error, "deep", 0)
  end
  return pcall(pcalls, n - 1)
end
print(pcalls(10))
print(pcall(string.gsub, "x", "x", function() error("inside", 0) end))

-- The lowest levels of a traceback are the command's own.
local function trace()
  return debug.traceback("here", 1)
end
local function middle()
  local text = trace()
  return text
end
print((middle():gsub("\n[^\n]*in main chunk.*", "")))
local co = coroutine.create(function()
  local waiting = coroutine.yield
  waiting()
end)
coroutine.resume(co)
print(debug.traceback(co), debug.traceback(co, "message"), debug.traceback(co,
  nil, 1), debug.traceback({}) ~= nil)
print(pcall(function()
  local a <const> = 1
  return a.b.c
end))
print(pcall(load, "local x <const> = 1; x = 2"))
print(load("goto nowhere"))
print(load("for"))
print(load("x = = 1", "=name"))
print(load("x = 'unfinished", "@file.lua"))
print(load(("x = 1\n"):rep(3) .. "?", "a long\nchunk name"))
print(pcall(function() local t = nil; return t.x end))
print(pcall(function() _G.undefined_function() end))
print(pcall(function() return {} .. "x" end))
print(pcall(function() return math.floor("x") end))
print(pcall(function() return ("x"):rep(-1, {}) end))
print(pcall(setmetatable, 1, {}))
print(pcall(next, {}, "no such key"))
print(pcall(ipairs))
