-- What the libraries export, compared with the public header.

local lu = require "luaunit"
local shell = require "spec.support.shell"

local spec = {}

local function header()
  local path = shell.build("ML_SOURCE") .. "/runtime/include/miniloop.h"
  local file <close> = assert(io.open(path))
  return file:read("a")
end

-- The names that the header marks, sorted.
local function declared()
  local names = {}
  for declaration in header():gmatch("\nML_API ([^;]*);") do
    names[#names + 1] = declaration:match("([%w_]+)%(")
  end
  table.sort(names)
  return names
end

-- Calls f(kind, name) for each symbol that a file defines for others. Those of
-- compilers and sanitizers begin with an underscore, and one that counts what
-- is reached has some of its own.
local function each_exported(path, options, f)
  shell.need("nm")
  local list = shell.run(("nm -g %s --defined-only %s"):format(options,
    shell.quote(path)))
  for kind, name in list:gmatch("%x+ (%u) ([^_%s][^\n]*)") do
    if not name:find("^lprof") then
      f(kind, name)
    end
  end
end

-- Their names, sorted.
local function exported(path, options)
  local names = {}
  each_exported(path, options, function(_kind, name)
    names[#names + 1] = name
  end)
  table.sort(names)
  return names
end

local function library(name)
  local path = shell.build("ML_BUILD") .. "/" .. name
  local file = io.open(path)
  lu.skipIf(not file, "there is no " .. name)
  file:close()
  return path
end

-- C9.1
function spec.test_the_shared_library_exports_what_the_header_declares()
  local names = declared()
  lu.assertTrue(#names > 30)
  lu.assertEquals(exported(library "libminiloop.so", "-D"), names)
end

function spec.test_every_function_of_the_header_is_marked()
  for line in header():gmatch("\n([%a_][^\n]*%()") do
    lu.assertTrue(line:sub(1, 7) == "ML_API ", line)
  end
end

-- What scripts may require besides miniloop itself.
local parts = {
  "base64", "gzip", "http", "http_cookie", "http_date", "http_mime", "json",
  "net", "syscall", "tls", "url", "websocket",
}

-- C9.4
function spec.test_the_lua_module_exports_what_the_header_declares_and_loaders()
  local names = declared()
  for _, part in ipairs(parts) do
    names[#names + 1] = "luaopen_miniloop_" .. part
  end
  table.sort(names)
  lu.assertEquals(exported(library "module/miniloop.so", "-D"), names)
end

-- In a static library all that is not static is seen by the linker: it must not
-- meet a name of the host's.
function spec.test_the_static_library_takes_no_names_but_its_own()
  for _, name in ipairs(exported(library "libminiloop.a", "")) do
    lu.assertTrue(name:sub(1, 3) == "ml_" or name == "luaopen_miniloop", name)
  end
end

-- C9.2: no variable that could be written, or that a thread could meet.
function spec.test_no_variable_is_exported()
  each_exported(library "libminiloop.so", "-D", function(kind, name)
    lu.assertEquals(kind .. " " .. name, "T " .. name)
  end)
end

return spec
