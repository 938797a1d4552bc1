---Ranges of bytes (RFC 9110, 14.1.2).
local range = {}

-- No file has so many bytes that its numbers have more digits.
local digits_max <const> = 18

local function number(digits)
  return #digits <= digits_max and math.tointeger(tonumber(digits))
    or math.maxinteger
end

---The last bytes of so many.
local function suffix(digits, size)
  local count = number(digits)
  if count == 0 or size == 0 then
    return false
  end
  return math.max(size - count, 0), size - 1
end

local function interval(first, last, size)
  first, last = number(first), last ~= "" and number(last) or math.maxinteger
  if last < first then
    return nil
  elseif first >= size then
    return false
  end
  return first, math.min(last, size - 1)
end

---What a field Range asks for of so many bytes: the first and the last of them,
---counted from 0; nothing where it is to be ignored (it is malformed, in
---another unit, or of several ranges, which may be); false where there is no
---such byte.
---@param text string?
---@param size integer
---@return integer|false|nil first
---@return integer? last
function range.parse(text, size)
  local first, last = (text or ""):match(
    "^[Bb][Yy][Tt][Ee][Ss]=%s*(%d*)%-(%d*)%s*$")
  if not first or first == "" and last == "" then
    return nil
  elseif first == "" then
    return suffix(last, size)
  end
  return interval(first, last, size)
end

return range
