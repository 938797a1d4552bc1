-- Numbers, operators, control flow, arguments.

print(select("#", ...), ...)
print(#arg, arg[0], arg[1], arg[2], arg[3], os.getenv "ML_COMPAT")

print(1, 1.0, -0.0, 1e15, 1e16, 2^53, 1e100, 1/0, -1/0, 0x7fffffffffffffff)
print(7 // 2, -7 // 2, 7 // -2.0, 7 % -3, -7 % 3, 5.5 % 2, 1e308 * 10)
print(3 & 5, 3 | 5, 3 ~ 5, ~0, 1 << 63, 1 << 64, -1 >> 1, 2.0 & 3)
print(10 == 10.0, "10" == 10, 1 < 1.5, "a" < "b", "Z" < "a", "" < "a")
print("10" + 5, "0x10" * 1, "3.0" + 1, 10 .. 20)
print(math.maxinteger + 1 == math.mininteger, math.type(1), math.type(1.0))
print(math.tointeger(3.0), math.tointeger(3.5), math.tointeger("8"))
print(tostring(1e15), tostring(0.1), 1e15 // 1, string.format("%.17g", 0.1))
print(tonumber("0b1"), tonumber("z", 36), tonumber(" 0x1p-2 "), tonumber("1e"))
print(not nil, nil and 1, false or "x", 1 and 2)

for i = 10, 1, -4 do io.write(i, " ") end
for i = 1.0, 2, 0.25 do io.write(i, " ") end
for i = math.maxinteger - 1, math.maxinteger do io.write(i, " ") end
print(pcall(load "for i = 1, 10, 0 do end"))

local function count(...)
  local n = select("#", ...)
  if n == 0 then
    return 0
  end
  return 1 + count(select(2, ...))
end
print(count(), count(nil, nil), count(table.unpack({}, 1, 100)))
print((select(-1, 1, 2, 3)), pcall(select, 0))

do
  local i = 0
  ::again::
  i = i + 1
  if i < 3 then
    goto again
  end
  print("goto", i)
end

local seen = {}
while true do
  seen[#seen + 1] = #seen
  if #seen > 4 then break end
end
repeat
  local last = table.remove(seen)
until last == 2
print(table.concat(seen, ","))

local t = setmetatable({}, { __name = "a type" })
print((tostring(t):gsub("0x%x+", "address")))
print(pcall(function() return t + 1 end))
print(pcall(function() return #nil end))
print(pcall(function() return ("x").y.z end))
print(pcall(function() return 1 < "2" end))
print(pcall(function() return 2^53 | 0.5 end))
print(pcall(string.rep))
math.randomseed(42)
print(math.random(100), math.random(100), math.random(0) ~= nil)
print(math.ult(1, -1), math.abs(math.mininteger), math.fmod(-7, 3))
print(math.floor(-3.5), math.ceil(-3.5), math.max(1, 2.5), math.min(3, 1))
