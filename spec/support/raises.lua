-- Misuse is an error at the caller's line, which a test shows by it: the
-- function stands in one line, and so does what it calls wrongly.

local lu = require "luaunit"

-- Asserts that f raises a string that names f's own line and has `text` in it.
local function raises(text, f, ...)
  local ok, message = pcall(f, ...)
  lu.assertFalse(ok, "no error was raised")
  local info = debug.getinfo(f, "S")
  local place = ("%s:%d: "):format(info.short_src, info.linedefined)
  lu.assertEquals(tostring(message):sub(1, #place), place, message)
  lu.assertStrContains(message, text)
end

return raises
