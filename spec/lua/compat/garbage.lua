-- The collector, and what happens at the end of a script.

print(type(collectgarbage("count")), collectgarbage())
print(collectgarbage("isrunning"))
print(collectgarbage("stop"), collectgarbage("isrunning"))
print(collectgarbage("restart"), type(collectgarbage("step")))
print(pcall(collectgarbage, "nosuch"))

local before = collectgarbage("count")
do
  local list = {}
  for i = 1, 1e4 do list[i] = { i } end
  print(#list, collectgarbage("count") > before)
end
collectgarbage()
print(collectgarbage("count") < before + 100)

local ephemeron = setmetatable({}, { __mode = "k" })
do
  local key = {}
  ephemeron[key] = { key }
end
collectgarbage()
print(next(ephemeron))

local saved
do
  local phoenix = setmetatable({ name = "phoenix" }, { __gc = function(o)
    saved = o
  end })
  phoenix.self = phoenix
end
collectgarbage()
print(saved.name)

local values = setmetatable({}, { __mode = "v" })
values[1], values[2] = {}, "strings stay"
collectgarbage()
print(values[1], values[2])

for i = 1, 3 do
  _G.Kept = setmetatable({ previous = _G.Kept }, { __gc = function(o)
    print("finalized at the end", i, o.previous ~= nil)
  end })
end
setmetatable({}, { __gc = function() error "in a finalizer" end })
collectgarbage() -- a warning, and those are off
warn "@on"
warn("on", " again")
setmetatable({}, { __gc = function() error("in a finalizer", 0) end })
collectgarbage()
