-- The mutants that are known to be equivalent: what they change, nobody can see
-- from outside. spec/mutate/equivalent.txt lists them, each as
--
--   runtime/core/park.c: waits_grow
--   - the line as it is
--   + the line as the mutant has it
--   why it makes no difference

local mutants = require "spec.mutate.mutants"

local kept = {}

local function key_of(record)
  local path, func, before, after, why = record:match(
    "^(%S+): (%S+)\n%- ([^\n]*)\n%+ ([^\n]*)\n(.+)$")
  assert(path, "equivalent.txt: this is not as it should be:\n" .. record)
  assert(why:find("%a"), "equivalent.txt: no reason for:\n" .. record)
  return mutants.key(path, func, before, after)
end

---The kept mutants: a set of keys, with the record of each.
---@return table<string, string>
function kept.read(path)
  local found = {}
  local text = ("\n" .. mutants.read(path)):gsub("\n#[^\n]*", "")
  for record in (text .. "\n\n"):gmatch("%s*(.-)\n%s*\n") do
    if record ~= "" then
      found[key_of(record)] = record
    end
  end
  return found
end

---The records of kept mutants that cannot be made any more.
---@return string[]
function kept.stale(found)
  local paths, files, left = {}, {}, {}
  for key, record in pairs(found) do
    left[key] = record
    paths[key:match("^[^\n]+")] = true
  end
  for path in pairs(paths) do
    files[#files + 1] = path
  end
  table.sort(files)
  for _, mutant in ipairs(mutants.of(files)) do
    left[mutant.key] = nil
  end
  local records = {}
  for _, record in pairs(left) do
    records[#records + 1] = record
  end
  table.sort(records)
  return records
end

return kept
