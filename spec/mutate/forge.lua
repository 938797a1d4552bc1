-- Compiles a mutant and links it, in a directory of the worker that asks. All
-- but the one object comes from the build of the preset "mutate", whose own
-- commands are taken with other names in them; nothing in the tree is touched.

local mutants = require "spec.mutate.mutants"
local process = require "spec.mutate.process"

local forge = {}

local OBJECTS = "CMakeFiles/miniloop_objects.dir/"
local LIMIT = 60 -- seconds for a compiler

---@class mutate.Forge
---@field build string    the build of the tree as it is
---@field dir string      the worker's own
---@field log string
local Forge = {}
Forge.__index = Forge

---@param build string  its absolute path
---@param dir string
---@return mutate.Forge
function forge.new(build, dir)
  assert(os.execute("mkdir -p " .. process.quote(dir .. "/module")
    .. " " .. process.quote(dir .. "/c")))
  return setmetatable({ build = build, dir = dir, log = dir .. "/log",
    commands = {}, plains = {} }, Forge)
end

function Forge:run(words)
  local result = process.run(("cd %s && %s"):format(process.quote(self.build),
    words), { log = self.log, cpu = LIMIT })
  return result.status == 0
end

-- The command that makes a target of the build, with others in it replaced.
function Forge:command(target, replaced)
  local line = self.commands[target]
  if not line then
    local pipe <close> = assert(io.popen(("ninja -C %s -t commands %s")
      :format(process.quote(self.build), target)))
    for command in pipe:lines() do
      line = command
    end
    self.commands[target] = assert(line, "no such target: " .. target)
  end
  for from, to in pairs(replaced) do
    local at, last = line:find(from, 1, true)
    assert(at, from .. " is not in the command for " .. target)
    line = line:sub(1, at - 1) .. to .. line:sub(last + 1)
  end
  return line
end

local function object_of(path)
  return OBJECTS .. path .. ".o"
end

-- Compiles a text that stands for the file, with more flags if they are given;
-- true if it could.
function Forge:compile(path, text, object, flags)
  local source = self.dir .. "/" .. path:match("[^/]+$")
  local file <close> = assert(io.open(source, "wb"))
  assert(file:write(text))
  file:close()
  local command = self:command(object_of(path), {
    [" -c "] = (" -w %s -c "):format(flags or ""),
    ["-o " .. object_of(path)] = "-o " .. object,
    ["-MF " .. object_of(path) .. ".d"] = "-MF " .. self.dir .. "/depends",
  })
  return self:run((command:gsub("%S+$", function()
    return process.quote(source)
  end)))
end

---Makes the object of the mutant.
---@return "made"|"broken"|"same" outcome  "same": its code is the original's
function Forge:make(path, mutant)
  self.path, self.object, self.text = path, self.dir .. "/mutant.o", mutant
  if not self:compile(path, mutant, self.object) then
    return "broken"
  end
  local same = mutants.read(self.object) == self:plain(path)
  return same and "same" or "made"
end

-- What the file as it is compiles to.
function Forge:plain(path)
  if not self.plains[path] then
    local object = self.dir .. "/plain.o"
    assert(self:compile(path, mutants.text(path), object),
      "the file as it is does not compile; see " .. self.log)
    self.plains[path] = mutants.read(object)
  end
  return self.plains[path]
end

---Takes the tree as it is: for a run that has to find nothing.
function Forge:make_plain()
  self.path, self.object, self.text = nil, nil, nil
end

-- Links a target of the build to `out`, with the object in it if there is one.
-- Where the runtime comes as a library, the object stands before it and so is
-- taken. True if it could.
function Forge:try_link(target, out, object, from_library, flags)
  local replaced = { ["-o " .. target] = ("%s -o %s"):format(flags, out) }
  if object and from_library then
    replaced[" libminiloop.a"] = " " .. object .. " libminiloop.a"
  elseif object then
    replaced[object_of(self.path)] = object
  end
  return self:run(self:command(target, replaced))
end

-- The same with the mutant's object.
function Forge:link(target, out, from_library)
  assert(self:try_link(target, out, self.object, from_library, ""),
    "cannot link; see " .. self.log)
  return out
end

-- The same with flags, of which the mutant alone is compiled with: sanitizers
-- see what it does. False if the compiler does not know them.
function Forge:link_flagged(target, out, flags)
  local object
  if self.object then
    object = self.dir .. "/flagged.o"
    if not self:compile(self.path, self.text, object, flags) then
      return false
    end
  end
  return self:try_link(target, out, object, true, flags)
end

---Links the command and the module; the former's path.
function Forge:link_command()
  -- (The module has an object of its own for core/thread.c.)
  local thread = self.path == "runtime/core/thread.c"
  local object = self.object
  self.object = not thread and object or nil
  self:link("module/miniloop.so", self.dir .. "/module/miniloop.so")
  self.object = object
  return self:link("miniloop", self.dir .. "/miniloop")
end

---Links a program of spec/c, with more flags if they are given and known.
function Forge:link_test(name, flags)
  local target, out = "spec/" .. name, self.dir .. "/c/" .. name
  if flags and self:link_flagged(target, out, flags) then
    return out
  end
  return self:link(target, out, true)
end

return forge
