---The coding of queries and forms.
local query = {}

local misuse = require "miniloop.misuse"
local percent = require "miniloop.url.percent"

-- As browsers code forms: application/x-www-form-urlencoded.
local function encode_item(text)
  text = tostring(text):gsub("[^%w%-._* ]", percent.escapes)
  return (text:gsub(" ", "+"))
end

local function decode_item(text)
  return (text:gsub("%+", " "):gsub("%%(%x%x)", percent.bytes))
end

local plain = { string = true, number = true, boolean = true }

local function add_items(items, name, value)
  for _, one in ipairs(type(value) == "table" and value or { value }) do
    if not plain[type(one)] or not plain[type(name)] then
      error(("bad argument #1 to 'encode_query' (a field cannot be a %s)")
        :format(type(plain[type(name)] and one or name)), 3)
    end
    items[#items + 1] = encode_item(name) .. "=" .. encode_item(one)
  end
end

---The pairs of a table of fields, by name, so that the text is the same each
---time.
local function sorted_pairs(fields)
  local list = {}
  for name, value in pairs(fields) do
    list[#list + 1] = { tostring(name), value }
  end
  table.sort(list, function(a, b)
    return a[1] < b[1]
  end)
  return list
end

---A query, or the body of a form: from a table by name, where a list as value
---repeats the name, or from a list of { name, value }, in its order.
---@param fields table
---@return string
function query.encode_query(fields)
  misuse.check(fields, 1, "encode_query", "table")
  local items = {}
  local list = fields[1] ~= nil and fields or sorted_pairs(fields)
  for _, pair in ipairs(list) do
    if type(pair) ~= "table" then
      error("bad argument #1 to 'encode_query' (a list of pairs expected)", 2)
    end
    add_items(items, pair[1], pair[2])
  end
  return table.concat(items, "&")
end

---Reads a query, or the body of a form: as browsers do, nothing is an error,
---and a "%" that two digits do not follow stands for itself.
---@param text string
---@return table<string, string> fields by name, the first of each
---@return string[][] list              all of them, as { name, value }
function query.decode_query(text)
  misuse.check(text, 1, "decode_query", "string")
  local fields, list = {}, {}
  for item in text:gmatch("[^&]+") do
    local name, value = item:match("^([^=]*)=?(.*)$")
    name, value = decode_item(name), decode_item(value)
    list[#list + 1] = { name, value }
    if fields[name] == nil then
      fields[name] = value
    end
  end
  return fields, list
end

return query
