---Checks of arguments for modules that are written in Lua: what is wrong raises
---at the line of who called the public function that calls these.

local core = require "miniloop.core"

local misuse = {}

-- The line that called the public function, seen from a function of this file.
local caller = 3

---@param value any
---@param i integer the number of the argument
---@param name string the public function
---@param expected string what luaL_typename or the name of a metatable says
---@param level integer? one more for each function in between
function misuse.mismatch(value, i, name, expected, level)
  error(("bad argument #%d to '%s' (%s expected, got %s)"):format(i, name,
    expected, type(value)),
    caller + (level or 0))
end

---Raises unless the value is of that type.
function misuse.check(value, i, name, expected, level)
  if type(value) ~= expected then
    misuse.mismatch(value, i, name, expected, (level or 0) + 1)
  end
end

---Raises unless the value is a table of options, or nil, whose keys are all
---among the keys of `known`; the value of a key there is the type that is
---expected ("any" for what the function itself checks).
---@param options table?
---@param i integer
---@param name string
---@param known table<string, string>
---@param level integer?
function misuse.options(options, i, name, known, level)
  level = caller + (level or 0)
  if options == nil then
    return
  elseif type(options) ~= "table" then
    misuse.mismatch(options, i, name, "table", level - caller + 1)
  end
  for key, value in pairs(options) do
    local expected = known[key]
    if not expected then
      error(core.unknown(("the options table of '%s'"):format(name), key,
        known), level)
    elseif expected ~= "any" and type(value) ~= expected then
      error(("bad option '%s' of '%s' (%s expected, got %s)"):format(key, name,
        expected, type(value)), level)
    end
  end
end

---Makes the module raise for a field that it does not have.
---@generic T
---@param name string
---@param module T
---@return T
function misuse.seal(name, module)
  return setmetatable(module, {
    __index = function(_, key)
      error(core.unknown(name, key, module), 2)
    end,
  })
end

return misuse
