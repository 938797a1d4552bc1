---Ranges of bytes (RFC 9110, 14).
local range = {}

-- No file has so many bytes that its numbers have more digits.
local digits_max <const> = 18

-- Ranges that one request may ask for. Nobody needs as many; each costs a head.
local count_max <const> = 100

---@class miniloop.http.interval
---@field first integer counted from 0
---@field last integer

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
  return { first = math.max(size - count, 0), last = size - 1 }
end

local function interval(first, last, size)
  first, last = number(first), last ~= "" and number(last) or math.maxinteger
  if last < first then
    return nil
  elseif first >= size then
    return false
  end
  return { first = first, last = math.min(last, size - 1) }
end

---One of them: false where there is no such byte, nil where it is malformed.
local function parse_one(text, size)
  local first, last = text:match("^[ \t]*(%d*)%-(%d*)[ \t]*$")
  if not first or first == "" and last == "" then
    return nil
  elseif first == "" then
    return suffix(last, size)
  end
  return interval(first, last, size)
end

---The bytes of all of them.
local function sum(list)
  local bytes = 0
  for _, one in ipairs(list) do
    bytes = bytes + one.last - one.first + 1
  end
  return bytes
end

---What a field Range asks for of so many bytes, without those that are not
---there; nil where it is to be ignored: it is malformed, in another unit, or
---asks for more than all of it, or in more pieces than is sound (14.2).
---@param text string?
---@param size integer
---@return miniloop.http.interval[]?
function range.parse(text, size)
  local set = (text or ""):match("^[Bb][Yy][Tt][Ee][Ss]=(.*)$")
  local list, count = {}, 0
  for item in (set or ""):gmatch("[^,]*[^,%s][^,]*") do
    local one = parse_one(item, size)
    count = count + 1
    if one == nil or count > count_max then
      return nil
    end
    list[#list + 1] = one or nil
  end
  if count == 0 or #list > 1 and sum(list) > size then
    return nil
  end
  return list
end

---The field Content-Range.
---@param one miniloop.http.interval
---@param size integer
---@return string
function range.field(one, size)
  return ("bytes %d-%d/%d"):format(one.first, one.last, size)
end

---What an answer with several ranges has around their bytes (14.6): a head for
---each, and the end.
---@param list miniloop.http.interval[]
---@param size integer
---@param media_type string of the whole
---@return string[] heads
---@return string ending
---@return { type: string, length: integer } body
function range.multipart(list, size, media_type)
  local boundary = ("%016x%016x"):format(math.random(0), math.random(0))
  local heads, ending = {}, ("\r\n--%s--\r\n"):format(boundary)
  local length = sum(list) + #ending
  for i, one in ipairs(list) do
    heads[i] = ("%s--%s\r\nContent-Type: %s\r\nContent-Range: %s\r\n\r\n")
      :format(i > 1 and "\r\n" or "", boundary, media_type,
        range.field(one, size))
    length = length + #heads[i]
  end
  return heads, ending, {
    type = "multipart/byteranges; boundary=" .. boundary, length = length,
  }
end

return range
