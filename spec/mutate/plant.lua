-- Puts the bugs of planted.lua in, one at a time, and tells who finds them.

local bugs = require "spec.mutate.planted"
local killers = require "spec.mutate.killers"
local mutants = require "spec.mutate.mutants"
local trial = require "spec.mutate.trial"

local plant = {}

-- A text as a pattern that does not mind how its words are broken into lines.
local function pattern_of(text)
  return (text:gsub("[^%w%s]", "%%%0"):gsub("%s+", "%%s+"))
end

---Where the bug goes into its file: from, to. Or nil and the reason.
function plant.place(bug)
  local source, pattern = mutants.read(bug.path), pattern_of(bug.from)
  local from, to = source:find(pattern)
  if not from then
    return nil, "the source has it no more"
  elseif source:find(pattern, to + 1) then
    return nil, "the source has it twice"
  end
  return from, to
end

-- Its text there, on as many lines.
local function text_of(bug, from, to)
  local _, had = mutants.read(bug.path):sub(from, to):gsub("\n", "")
  return bug.to .. ("\n"):rep(had)
end

-- The named finder first, then all the others.
local function stages_of(bug)
  local first = { name = "its own", specs = bug.specs, c = bug.c,
    poller = bug.poller }
  local others = killers.stages(bug.path, true)
  return table.move(others, 1, #others, 2, { first })
end

-- The command that finds it, for those who want to see.
local function command_of(bug)
  if bug.c then
    return "./dev test c_" .. bug.c[1]
  end
  return ("ML_SPEC_ONLY='%s' ./dev test spec_%s"):format(
    table.concat(bug.specs, " "), bug.poller or "auto")
end

local function try(f, bug)
  local from, to = plant.place(bug)
  if not from then
    bug.trouble = to
    return
  end
  local outcome = f:make(bug.path,
    mutants.text(bug.path, from, to, text_of(bug, from, to)))
  if outcome ~= "made" then
    bug.trouble = outcome == "same" and "it changes nothing"
      or "it does not compile"
    return
  end
  bug.finder = trial.find(f, stages_of(bug))
end

local function tell(bug)
  print(("%-12s %s\n%12s found by %s\n%12s command: %s"):format(bug.name,
    bug.class, "", bug.finder or bug.trouble or "NOBODY", "",
    command_of(bug)))
end

local function wanted(names)
  local found = {}
  for _, bug in ipairs(bugs) do
    local named = #names == 0
    for _, name in ipairs(names) do
      named = named or name == bug.name
    end
    found[#found + 1] = named and bug or nil
  end
  return found
end

---Tries the bugs of these names, or all; true if each is found.
---@param names string[]
---@param in_parallel fun(take: function, work: function)
---@return boolean
function plant.run(names, in_parallel)
  local list, i, found, classes = wanted(names), 0, 0, {}
  if #list == 0 then
    print("there is no planted bug of such a name")
  end
  in_parallel(function()
    i = i + 1
    return list[i]
  end, function(f, bug)
    try(f, bug)
    tell(bug)
    found = found + (bug.finder and 1 or 0)
    classes[bug.class] = true
  end)
  local n = 0
  for _ in pairs(classes) do
    n = n + 1
  end
  print(("%d of %d planted bugs found, of %d classes"):format(found, #list, n))
  print(("%d passed, %d failed"):format(found, #list - found))
  return found == #list and #list > 0
end

return plant
