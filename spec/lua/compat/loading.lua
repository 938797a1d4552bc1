-- load, loadfile, dofile, require.

print(load("return ...", "name", "t")(1, 2))
print(load("x = 1; return x", "name", "t", { y = 2 })())
local pieces = { "return ", "'from ", "pieces'", "", "not read" }
local n = 0
print(load(function() n = n + 1 return pieces[n] end)(), n)
print(load(function() return nil end)())
-- (In the main chunk the command's own message handler has a say.)
coroutine.wrap(function()
  print(load(function() error("in the reader", 0) end))
  print(load(function() return {} end))
end)()
print(load("return _ENV", "n", "t", nil)())
print(#string.dump(function() end) > 0, pcall(string.dump, print))
print(select("#", load("return")()))

local env = setmetatable({}, { __index = _G })
load("made = type(print)", "n", "t", env)()
print(rawget(env, "made"), rawget(_G, "made"))

local path = os.tmpname()
local function write(text)
  local f <close> = assert(io.open(path, "w"))
  f:write(text)
end
write("#! a first line\nlocal a = ...\nreturn a, debug.getinfo(1).currentline")
print(loadfile(path)(7), dofile(path))
print(loadfile(path, "t", {}))
write("error('in a file', 0)")
print(pcall(dofile, path))
write("x x")
print((select(2, loadfile(path)):gsub(".*(:1:)", "file%1")))

package.path = path:match("^(.*)/") .. "/?"
local name = path:match("([^/]*)$")
write("local name, where = ... return { name = name, where = where }")
local module, where = require(name)
print(module.name == name, module.where == path, where == path)
print(require(name) == module, package.loaded[name] == module)
package.loaded[name] = nil
write("return nil")
print(require(name), package.loaded[name])
package.loaded[name] = nil
write("package.loaded[...] = 'set by itself'")
print((require(name)))
package.loaded[name] = nil
write("return false")
print(require(name), package.loaded[name])
package.loaded[name] = nil
write("error('while loading', 0)")
print(pcall(require, name))
print(package.loaded[name])
write("x x")
print((select(2, pcall(require, name)):gsub(name:gsub("%p", "%%%0"), "NAME")))
os.remove(path)

package.preload.made = function(...)
  return select("#", ...) .. (select(2, ...))
end
print(require "made")
table.insert(package.searchers, 2, function(wanted)
  if wanted == "found" then
    return function(a, b) return a .. b end, " by a searcher"
  end
  return "no luck with " .. wanted
end)
print(require "found")
package.path, package.cpath = "/nosuch/?.lua;/nosuch/?/init.lua", "/nosuch/?.so"
print(pcall(require, "no.such.module"))
print(package.searchpath("a.b", package.path), package.config:sub(1, 1))
print(pcall(require), pcall(require, {}))
package.path = nil
print(pcall(require, "x"))
print(require "string" == string, require "_G" == _G)
