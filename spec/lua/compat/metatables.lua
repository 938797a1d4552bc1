-- Metamethods, inheritance, weak tables, and the order of finalizers.

local log = {}
local function note(...)
  log[#log + 1] = table.concat({ ... }, " ")
end

local mt = {}
for name in ("add sub mul div mod pow idiv band bor bxor shl shr concat")
  :gmatch("%a+") do
  mt["__" .. name] = function(a, b)
    return ("%s(%s,%s)"):format(name, type(a), type(b))
  end
end
mt.__unm = function() return "unm" end
mt.__bnot = function() return "bnot" end
mt.__len = function() return 42 end
mt.__eq = function() return true end
mt.__lt = function() return true end
mt.__le = function() return false end
mt.__call = function(_, ...) return "called", ... end
mt.__tostring = function() return "as a string" end
mt.__index = function(_, key) return "index " .. key end
mt.__newindex = function(_, key, value) note("newindex", key, value) end
mt.__name = "thing"

local a, b = setmetatable({}, mt), setmetatable({}, mt)
print(a + 1, 1 - a, a * a, a / 1, a % 1, a ^ 1, a // 1, a & 1, a | 1, a ~ 1)
print(a << 1, a >> 1, a .. "x", "x" .. a, 1 .. a, -a, ~a, #a)
print(a == b, a ~= b, a < b, a <= b, a > 1, a(1, 2))
print(tostring(a), a.field, a[1], rawget(a, 1))
a.x = "y"
print(log[1], rawlen(a), getmetatable("").__index == string)

mt.__metatable = "locked"
print(getmetatable(a), pcall(setmetatable, a, {}))

local Animal = {}
Animal.__index = Animal
function Animal.new(name)
  return setmetatable({ name = name }, Animal)
end
function Animal:speak()
  return self.name .. " makes a sound"
end
local Dog = setmetatable({}, { __index = Animal })
Dog.__index = Dog
function Dog:speak()
  return Animal.speak(self) .. ": woof"
end
print(setmetatable(Animal.new("Rex"), Dog):speak())

local proxy = setmetatable({}, { __pairs = function()
  return function(_, k)
    k = (k or 0) + 1
    if k < 4 then
      return k, k * k
    end
  end
end })
for k, v in pairs(proxy) do io.write(k, "=", v, " ") end
print()

local weak = setmetatable({}, { __mode = "k" })
local kept = {}
weak[kept], weak[{}] = "kept", "lost"
collectgarbage()
for _, v in pairs(weak) do print(v) end

local function finalized(name)
  return setmetatable({}, { __gc = function() print("finalized", name) end })
end
finalized "dropped"
collectgarbage()
local first, second = finalized "first", finalized "second"
print(type(first), type(second))
_G.Kept = finalized "of a global"
