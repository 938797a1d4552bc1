---JSON (RFC 8259). Text is read by libjansson, and written by our own code.
---
---Objects are tables with strings as keys, arrays are tables with the indices
---from 1 on. Integers stay integers, and floats floats. What is made in C is
---documented in lua/meta/json.lua.
---@class miniloop.json
local json = {}

local core = require "miniloop.core"
local misuse = require "miniloop.misuse"

local array_meta = core.json.array

json.encode = core.json.encode
json.decode = core.json.decode
json.null = core.json.null

---Says that a table is an array, which an empty one does not show: it is
---written as [], not as {}. Arrays that were read are such tables.
---@generic T
---@param list T[]? a table without a metatable; a new one unless given
---@return T[] list
function json.array(list)
  if list == nil then
    list = {}
  end
  misuse.check(list, 1, "array", "table")
  local meta = getmetatable(list)
  if meta ~= nil and meta ~= array_meta then
    error("bad argument #1 to 'array' (the table has a metatable)", 2)
  end
  return setmetatable(list, array_meta)
end

---Whether the table was made an array by `array`, or was read as one.
---@param value any
---@return boolean
function json.isarray(value)
  return type(value) == "table" and getmetatable(value) == array_meta
end

return misuse.seal("miniloop.json", json)
