-- Keeps what came out of a row until the report is written, also when the bench
-- is stopped in between: a file for each row, in build/bench/results.

local shell = require "bench.lib.shell"

local store = {}

local directory = "build/bench/results"

---@class bench.record
---@field row bench.row          what of it is no function
---@field results bench.result[] one, or one for each of its points
---@field date string
---@field version string   of what was measured
---@field rounds integer

local function key_text(key)
  return math.type(key) == "integer" and ("[%d]"):format(key)
    or ("[%q]"):format(key)
end

---The value as Lua source. Functions are left out.
---@param value any  a tree of tables
---@return string
function store.serialize(value)
  if type(value) ~= "table" then
    return ("%q"):format(value)
  end
  local parts = {}
  for key, field in pairs(value) do
    if type(field) ~= "function" then
      parts[#parts + 1] = key_text(key) .. "=" .. store.serialize(field)
    end
  end
  table.sort(parts)
  return "{" .. table.concat(parts, ",\n") .. "}"
end

---@param record bench.record
function store.save(record)
  shell.run("mkdir -p " .. directory)
  shell.write(("%s/%s.lua"):format(directory, record.row.name),
    "return " .. store.serialize(record) .. "\n")
end

---The records of the rows of these names that there are, in their order.
---@param names string[]
---@return bench.record[]
function store.load(names)
  local records = {}
  for _, name in ipairs(names) do
    local path = ("%s/%s.lua"):format(directory, name)
    local text = shell.read(path)
    records[#records + 1] = text and assert(load(text, "@" .. path, "t", {}))()
  end
  return records
end

return store
