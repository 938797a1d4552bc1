---Percent coding (RFC 3986, section 2), and what may stand in which part.
local percent = {}

local core = require "miniloop.core"
local misuse = require "miniloop.misuse"

-- Sets of bytes for patterns: RFC 3986, 2.2 and 2.3.
percent.unreserved = "%w%-._~"
percent.subdelims = "!$&'()*+,;="
local unreserved, subdelims = percent.unreserved, percent.subdelims
local pchar = unreserved .. subdelims .. ":@"

local sets = {
  userinfo = unreserved .. subdelims .. ":",
  host = unreserved .. subdelims,
  path = pchar .. "/",
  query = pchar .. "/?",
  fragment = pchar .. "/?",
}

percent.foreign = {} -- part -> pattern of a byte that cannot stand in it
for part, set in pairs(sets) do
  percent.foreign[part] = "[^%%" .. set .. "]"
end

percent.escapes = {}
for byte = 0, 255 do
  percent.escapes[string.char(byte)] = ("%%%02X"):format(byte)
end

percent.bytes = {} -- "2F" and "2f" -> "/"
local bytes = percent.bytes
for byte = 0, 255 do
  local char, digits = string.char(byte), ("%02X"):format(byte)
  for high in (digits:sub(1, 1) .. digits:sub(1, 1):lower()):gmatch(".") do
    bytes[high .. digits:sub(2)] = char
    bytes[high .. digits:sub(2):lower()] = char
  end
end

---Percent-encodes all but the unreserved bytes, so that the text can stand in
---any part of a URL, as one segment of a path, say.
---@param text string
---@return string
function percent.encode(text)
  misuse.check(text, 1, "encode", "string")
  return (text:gsub("[^" .. unreserved .. "]", percent.escapes))
end

---The position of a "%" that two hexadecimal digits do not follow, or nil.
function percent.bad_escape(text)
  local at = 0
  repeat
    at = text:find("%", at + 1, true)
  until not at or not text:find("^%x%x", at + 1)
  return at
end

---Undoes percent coding.
---@param text string
---@return string? bytes
---@return miniloop.error? err EINVAL: a "%" without two digits
function percent.decode(text)
  misuse.check(text, 1, "decode", "string")
  local at = percent.bad_escape(text)
  if at then
    return nil, core.error("EINVAL", "decode", text,
      ("no two digits after '%%' at %d"):format(at))
  end
  return (text:gsub("%%(%x%x)", bytes))
end

---A "%" that two digits follow is meant; any other is a percent sign.
function percent.encode_part(part, text)
  if percent.bad_escape(text) then
    text = text:gsub("%%(%x?%x?)", function(digits)
      return #digits < 2 and "%25" .. digits or nil
    end)
  end
  return (text:gsub(percent.foreign[part], percent.escapes))
end

return percent
