-- The mutants of the runtime: which there are, what each is called, and how one
-- is told from another when lines shift.

local operators = require "spec.mutate.operators"

local mutants = {}

---@class mutate.Mutant : mutate.Change
---@field path string      of the file
---@field id string        names it as long as its line is there
---@field before string    the line or lines that it changes, blanks squeezed
---@field after string     and what becomes of them
---@field key string       path, function, before and after

-- ------------------------------------------------------------------- files

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

mutants.read = read

local function list(command)
  local pipe <close> = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do
    lines[#lines + 1] = line
  end
  return lines
end

-- core/check.c compares the loop's structures with each other, for specs alone:
-- a check that is blind is no fault of what it looks at.
local left_out = { ["runtime/core/check.c"] = true }

---The C files that the words mean: a file, or a layer such as "core".
---@param words string[]
---@return string[]
function mutants.files(words)
  local files = {}
  for _, word in ipairs(words) do
    if word:find("%.c$") then
      files[#files + 1] = word
    else
      local found = list(("ls runtime/%s/*.c 2>/dev/null"):format(word))
      assert(#found > 0, "no file and no layer: " .. word)
      for _, path in ipairs(found) do
        files[#files + 1] = not left_out[path] and path or nil
      end
    end
  end
  table.sort(files)
  return files
end

-- ------------------------------------------------------------------- names

local function squeeze(text)
  return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

-- FNV-1a, in hexadecimal.
local function hash(text)
  local h = 0x811c9dc5
  for i = 1, #text do
    h = (h ~ text:byte(i)) * 0x01000193 & 0xffffffff
  end
  return ("%08x"):format(h)
end

function mutants.key(path, func, before, after)
  return table.concat({ path, func, before, after }, "\n")
end

local function name(change, path, source, seen)
  local first = source:sub(1, change.from):find("[^\n]*$")
  local last = (source:find("\n", change.to, true) or #source + 1) - 1
  change.path = path
  change.before = squeeze(source:sub(first, last))
  change.after = squeeze(source:sub(first, change.from - 1) .. change.text
    .. source:sub(change.to + 1, last))
  change.key = mutants.key(path, change.func, change.before, change.after)
  seen[change.key] = (seen[change.key] or 0) + 1
  change.id = hash(change.key .. "\n" .. seen[change.key])
  return change
end

-- --------------------------------------------------------------- all of them

local function next_names()
  local next_of = {}
  for _, path in ipairs(list("find runtime -name '*.[ch]' | sort")) do
    operators.enums(read(path), next_of)
  end
  return next_of
end

---The mutants of these files, in the order of their texts.
---@param files string[]
---@return mutate.Mutant[]
function mutants.of(files)
  local next_of, found = next_names(), {}
  for _, path in ipairs(files) do
    local source, seen, at = read(path), {}, {}
    for _, change in ipairs(operators.changes(source, next_of)) do
      local mutant = name(change, path, source, seen)
      -- Two operators may come to the same.
      local place = mutant.line .. mutant.key
      if not at[place] then
        at[place] = true
        found[#found + 1] = mutant
      end
    end
  end
  return found
end

---Puts a list into the random order of a seed.
function mutants.shuffle(all, seed)
  math.randomseed(seed)
  for i = #all, 2, -1 do
    local j = math.random(i)
    all[i], all[j] = all[j], all[i]
  end
end

---The text of the mutant's file, changed. Its first line tells compilers the
---name of the file, so that what is compiled of it depends on nothing else.
function mutants.text(path, from, to, text)
  local source = read(path)
  if from then
    source = source:sub(1, from - 1) .. text .. source:sub(to + 1)
  end
  return ('#line 1 "%s"\n%s'):format(path, source)
end

return mutants
