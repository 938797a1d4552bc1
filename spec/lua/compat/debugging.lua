-- The library debug.

local function f(a, b, ...)
  local c = a
  local info = debug.getinfo(1, "nSlutf")
  return info, c, b, ...
end
local info = f(1)
print(info.name, info.namewhat, info.short_src, info.what, info.currentline,
  info.linedefined, info.nups, info.nparams, info.isvararg, info.func == f)
print(debug.getinfo(print).what, debug.getinfo(1, "S").what)
print(pcall(debug.getinfo, 1, "?"), debug.getinfo(1000))

local function locals()
  local one, two = 1, "two"
  local names = {}
  for i = 1, 10 do
    local name, value = debug.getlocal(1, i)
    if not name then break end
    names[#names + 1] = name .. "=" .. type(value)
  end
  return table.concat(names, " "), one, two
end
print(locals())
print(debug.getlocal(f, 1), debug.getlocal(f, 3))

local up = 1
local function closure() return up end
print(debug.getupvalue(closure, 1), debug.setupvalue(closure, 1, 5), closure())
print(debug.upvalueid(closure, 1) ~= nil, pcall(debug.upvalueid, closure, 9))

local lines = {}
debug.sethook(function(_, line) lines[#lines + 1] = line end, "l")
local x = 1
x = x + 1
debug.sethook()
print(#lines, lines[2] - lines[1], x, debug.gethook())
local calls = 0
debug.sethook(function(event) calls = calls + (event == "call" and 1 or 0) end,
  "c")
math.abs(1)
closure()
debug.sethook()
print(calls)
local count = 0
debug.sethook(function() count = count + 1 end, "", 100)
for _ = 1, 10000 do end
debug.sethook()
print(count > 50)

local co = coroutine.create(function(value)
  local inside = value
  coroutine.yield(inside)
end)
coroutine.resume(co, "hidden")
print(debug.getlocal(co, 1, 1), debug.getlocal(co, 1, 2))
print(debug.getinfo(co, 1, "l").currentline)
local u = io.tmpfile()
print(debug.getmetatable("").__index == string, debug.getuservalue(u, 1))
debug.setmetatable(nil, { __index = function() return "of nil" end })
print((nil).x)
debug.setmetatable(nil, nil)
print(type(debug.getregistry()))
