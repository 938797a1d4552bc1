-- How late a task wakes from a short sleep: lateness.lua N SECONDS.
local ml = require "miniloop"

local n, seconds = math.tointeger(arg[1]), tonumber(arg[2])
local late, early = {}, 0

for i = 1, n do
  local start = ml.now()
  ml.sleep(seconds)
  late[i] = ml.now() - start - seconds
  early = early + (late[i] < 0 and 1 or 0)
end
table.sort(late)
print(("p50_us=%g"):format(late[n // 2 + 1] * 1e6))
print(("p99_us=%g"):format(late[n * 99 // 100 + 1] * 1e6))
print("early=" .. early)
print("count=" .. #late)
