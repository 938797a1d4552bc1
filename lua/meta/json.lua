---@meta miniloop.json

-- The part of miniloop.json that is made in C, for editors.

---@class miniloop.json
local json = {}

---What stands for null in tables, where nil cannot be.
---@type userdata
json.null = nil

---@class miniloop.json.encode_options
---@field indent integer? spaces for each level, up to 32; none: all in one line
---@field sort boolean?   the keys of objects in the order of their bytes
---@field depth integer?  levels at most: 512 unless given, up to 2000

---Writes a value as text. A table with elements, or one that json.array made,
---is an array, any other an object. nil is null. Raises for what JSON has no
---form for: functions, NaN, infinity, other keys, tables in themselves.
---@param value any
---@param options miniloop.json.encode_options?
---@return string? text
---@return miniloop.error? err EILSEQ: a string that is not of UTF-8
function json.encode(value, options) end

---@class miniloop.json.decode_options
---@field depth integer?  levels at most: 512 unless given, up to 2000
---@field unique boolean? an object that has a key twice is refused
---@field floats boolean? all numbers as floats, also integers of any size

---Reads a text. Of members with the same key the last one counts.
---@param text string
---@param options miniloop.json.decode_options?
---@return any value nil only with an error
---@return miniloop.error? err with `line` and `column`: EBADMSG for what is no
---JSON, EILSEQ for what is not UTF-8, ERANGE for a number that does not fit, or
---too many levels; ENOTSUP without libjansson
function json.decode(text, options) end

return json
