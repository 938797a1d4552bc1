---Dates in HTTP (RFC 9110, 5.6.7): seconds since 1970 on this side.
---
---Neither os.date nor os.time will do: the one speaks the language of the
---locale, the other reckons in the local time zone.
local date = {}

local core = require "miniloop.core"
local misuse = require "miniloop.misuse"

local days = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" }
local long_days = {
  Sunday = true, Monday = true, Tuesday = true, Wednesday = true,
  Thursday = true, Friday = true, Saturday = true,
}
local months = {
  "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
  "Dec",
}

local is_day, month_of = {}, {}
for _, name in ipairs(days) do
  is_day[name] = true
end
for i, name in ipairs(months) do
  month_of[name] = i
end

local day_seconds <const> = 86400

-- Days of the calendar since 1970-01-01. Years begin with March here, so that
-- the day which comes and goes is the last, and months have days by a formula:
-- 153 in each five.
local function day_number(year, month, day)
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  return 365 * year + year // 4 - year // 100 + year // 400
    + (153 * (month - 3) + 2) // 5 + day - 719469
end

local function month_length(year, month)
  local first = day_number(year, month, 1)
  return month == 12 and 31 or day_number(year, month + 1, 1) - first
end

-- Year, month and day of a day number: the reverse of the above, by eras of 400
-- years, each of which is 146097 days.
local function calendar(number)
  number = number + 719468
  local era, rest = number // 146097, number % 146097
  local year = (rest - rest // 1460 + rest // 36524 - rest // 146096) // 365
  local of_year = rest - (365 * year + year // 4 - year // 100)
  local month = (5 * of_year + 2) // 153
  local day = of_year - (153 * month + 2) // 5 + 1
  month = month < 10 and month + 3 or month - 9
  year = year + era * 400
  return month <= 2 and year + 1 or year, month, day
end

---The text of a moment, such as "Sun, 06 Nov 1994 08:49:37 GMT".
---@param seconds number since 1970; fractions are cut off
---@return string
function date.format(seconds)
  if math.type(seconds) == nil or seconds ~= seconds
    or math.abs(seconds) > 2 ^ 37 then
    misuse.mismatch(seconds, 1, "format", "seconds since 1970")
  end
  seconds = math.tointeger(seconds // 1)
  local number, rest = seconds // day_seconds, seconds % day_seconds
  local year, month, day = calendar(number)
  return ("%s, %02d %s %04d %02d:%02d:%02d GMT"):format(
    days[(number + 4) % 7 + 1], day, months[month], year,
    rest // 3600, rest // 60 % 60, rest % 60)
end

-- A year of two digits that seems to lie more than 50 years ahead is past.
local function full_year(two)
  local now = calendar(os.time() // day_seconds)
  local year = now - now % 100 + two
  return year > now + 50 and year - 100 or year
end

-- The three forms: the one that is sent, that of RFC 850, that of asctime().
local function split(text)
  local name, day, month, year, clock = text:match(
    "^(%a%a%a), (%d%d) (%a%a%a) (%d%d%d%d) (%d%d:%d%d:%d%d) GMT$")
  if name then
    return is_day[name], day, month, tonumber(year), clock
  end
  name, day, month, year, clock = text:match(
    "^(%a+), (%d%d)%-(%a%a%a)%-(%d%d) (%d%d:%d%d:%d%d) GMT$")
  if name then
    return long_days[name], day, month, full_year(tonumber(year)), clock
  end
  name, month, day, clock, year = text:match(
    "^(%a%a%a) (%a%a%a) ([ %d]%d) (%d%d:%d%d:%d%d) (%d%d%d%d)$")
  return is_day[name], day, month, tonumber(year), clock
end

-- A second of 60 is a leap second, and as good as the one after it.
local function clock_seconds(clock)
  local hour, minute, second = clock:match("(%d%d):(%d%d):(%d%d)")
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
  if hour < 24 and minute < 60 and second <= 60 then
    return hour * 3600 + minute * 60 + second
  end
end

---Seconds since 1970 of a day of the calendar and a time of that day, or nil if
---there is no such.
function date.seconds(year, month, day, hour, minute, second)
  local of_day = clock_seconds(("%02d:%02d:%02d"):format(hour, minute, second))
  if of_day and month >= 1 and month <= 12 and day >= 1
    and day <= month_length(year, month) then
    return day_number(year, month, day) * day_seconds + of_day
  end
end

local function moment(is_known, day, month, year, clock)
  local number = month_of[month]
  day = tonumber(day)
  if not is_known or not number or day < 1
    or day > month_length(year, number) then
    return nil
  end
  local of_day = clock_seconds(clock)
  return of_day and day_number(year, number, day) * day_seconds + of_day
end

---Reads a date in any of the three forms.
---@param text string
---@return integer? seconds since 1970
---@return miniloop.error? err EINVAL: it is no date
function date.parse(text)
  misuse.check(text, 1, "parse", "string")
  local seconds = moment(split(text))
  if not seconds then
    return nil, core.error("EINVAL", "parse", text, "this is no date of HTTP")
  end
  return seconds
end

return misuse.seal("miniloop.http.date", date)
