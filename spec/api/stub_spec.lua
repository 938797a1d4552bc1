-- The description for editors of what is made in C, against what is made.

local lu = require "luaunit"
local ml = require "miniloop"

local spec = {}

local root = arg[0]:match("^(.*/)spec/[^/]*$") or ""

-- What lua/meta/miniloop.lua describes: the module, and the global `syscall`.
local function stub()
  local globals = {}
  local path = root .. "lua/meta/miniloop.lua"
  local module = assert(loadfile(path, "t", globals))()
  return module, globals.syscall
end

-- The names of the functions that `wanted` takes, sorted.
local function names_of(module, wanted)
  local names = {}
  for name, value in pairs(module) do
    if type(value) == "function" and wanted(value) then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

local function any()
  return true
end

local function of_c(f)
  return debug.getinfo(f, "S").what == "C"
end

function spec.test_every_function_of_c_in_the_module_is_described()
  lu.assertEquals(names_of(stub(), any), names_of(ml, of_c))
end

-- Of modules that are partly in Lua: what those have is described there.
function spec.test_what_other_modules_have_of_c_is_described()
  for _, name in ipairs { "gzip", "json", "tls" } do
    local described = assert(loadfile(root .. "lua/meta/" .. name .. ".lua"))()
    lu.assertEquals(names_of(described, any),
      names_of(require("miniloop." .. name), of_c), name)
  end
end

function spec.test_every_system_call_is_described()
  local _, described = stub()
  lu.assertEquals(names_of(described, any), names_of(syscall, of_c))
end

return spec
