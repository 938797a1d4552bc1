-- miniloop.http.date: RFC 9110, 5.6.7.

local date = require "miniloop.http.date"
local lu = require "luaunit"
local raises = require "spec.support.raises"

local spec = {}

function spec.test_the_examples_of_the_rfc_are_one_moment()
  for _, text in ipairs {
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
  } do
    lu.assertEquals(date.parse(text), 784111777, text)
  end
  lu.assertEquals(date.format(784111777), "Sun, 06 Nov 1994 08:49:37 GMT")
end

function spec.test_days_agree_with_the_system_s_calendar()
  for time = -80 * 365 * 86400, 300 * 365 * 86400, 86400 * 97 + 3661 do
    local text = os.date("!%a, %d %b %Y %H:%M:%S GMT", time)
    lu.assertEquals(date.format(time), text)
    lu.assertEquals(date.parse(text), time)
  end
end

function spec.test_leap_days_are_where_they_are()
  lu.assertEquals(date.parse("Tue, 29 Feb 2000 00:00:00 GMT"), 951782400)
  lu.assertEquals(date.parse("Sat, 31 Dec 2016 23:59:60 GMT"), 1483228800)
  for _, text in ipairs {
    "Thu, 29 Feb 1900 00:00:00 GMT", "Wed, 29 Feb 2023 00:00:00 GMT",
    "Wed, 31 Apr 2024 00:00:00 GMT", "Wed, 00 Apr 2024 00:00:00 GMT",
  } do
    lu.assertNil((date.parse(text)), text)
  end
end

function spec.test_a_year_of_two_digits_is_at_most_50_years_ahead()
  local this = tonumber(os.date("!%Y"))
  for ahead = -49, 49 do
    local year = this + ahead
    local text = ("Monday, 01-Jan-%02d 00:00:00 GMT"):format(year % 100)
    lu.assertEquals(os.date("!%Y", date.parse(text)), tostring(year))
  end
end

function spec.test_what_is_no_date_is_refused()
  for _, text in ipairs {
    "", "now", "784111777", "Sun, 06 Nov 1994 08:49:37 UTC",
    "sun, 06 Nov 1994 08:49:37 GMT", "Xyz, 06 Nov 1994 08:49:37 GMT",
    "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sun, 06 Foo 1994 08:49:37 GMT", " Sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT\n", "Sun, 06-Nov-94 08:49:37 GMT",
  } do
    local seconds, err = date.parse(text)
    lu.assertNil(seconds, text)
    lu.assertEquals(err.code, "EINVAL")
  end
end

function spec.test_fractions_are_cut_off_and_the_rest_is_misuse()
  lu.assertEquals(date.format(0.999), "Thu, 01 Jan 1970 00:00:00 GMT")
  lu.assertEquals(date.format(-0.5), "Wed, 31 Dec 1969 23:59:59 GMT")
  raises("seconds since 1970 expected, got string",
    function() date.format("0") end)
  raises("seconds since 1970 expected",
    function() date.format(0 / 0) end)
  raises("seconds since 1970 expected",
    function() date.format(math.huge) end)
end

return spec
