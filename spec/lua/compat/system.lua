-- The library os.

print(os.time { year = 2020, month = 1, day = 1, hour = 12 }
  - os.time { year = 2020, month = 1, day = 1, hour = 11 })
print(os.date("!%Y-%m-%d %H:%M:%S", 86400), os.date("!%c", 0))
local t = os.date("!*t", 1e9)
print(t.year, t.month, t.day, t.hour, t.min, t.sec, t.wday, t.yday, t.isdst)
print(pcall(os.date, "%Ez", 0), pcall(os.time, { year = 2020 }))
print(os.difftime(10, 5), type(os.clock()), os.clock() >= 0)
print(os.getenv "ML_COMPAT", os.getenv "ML_NO_SUCH_VARIABLE")
print(os.execute(), os.execute("exit 3"), os.execute("kill -15 $$"))
print(os.execute("true"))
print(os.remove("/nosuch/file"))
print(os.rename("/nosuch/file", "/nosuch/other"))
print(os.setlocale(), os.setlocale("nosuch"), os.setlocale("C", "numeric"))
local name = os.tmpname()
print(type(name), os.remove(name))
print(type(os.exit), _VERSION)
