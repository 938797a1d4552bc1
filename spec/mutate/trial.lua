-- Tries a build of the runtime against the specs, stage by stage, until one
-- finds something.

local killers = require "spec.mutate.killers"
local mutants = require "spec.mutate.mutants"
local process = require "spec.mutate.process"

local trial = {}

local quote = process.quote

-- Seconds that a process may compute; of the tree as it is, all processes of a
-- stage take less than four.
trial.cpu = 8

-- The runs of the sim are fewer than in the suite: of each mutant there is one.
local SEEDS = 400

local function environment(forge)
  local words = {
    "ML_SOURCE=" .. quote(forge.tree), "ML_BUILD=" .. quote(forge.dir),
    "ML_COMMAND=" .. quote(forge.dir .. "/miniloop"),
    "ML_SIM_SEEDS=" .. SEEDS,
    "MALLOC_PERTURB_=165", -- what is freed is not what it was
  }
  return table.concat(words, " ")
end

local function add_each(words, prefix, patterns)
  for _, pattern in ipairs(patterns or {}) do
    words[#words + 1] = quote(prefix .. pattern)
  end
end

local function specs_command(forge, stage, patterns)
  local poller = stage.poller or "auto"
  local words = {
    environment(forge), "ML_SPEC_POLLER=" .. poller,
    quote(forge.dir .. "/miniloop"), "--poller=" .. poller, "spec/run.lua",
    "--stop", "-v",
  }
  add_each(words, "--without=", stage.large and {} or killers.without)
  add_each(words, "--without=", stage.done)
  add_each(words, "", patterns)
  return table.concat(words, " ")
end

-- The test that was running last, or failed.
local function test_of(log)
  local text = mutants.read(log)
  return text:match("\nFAIL (%a%S+)") or text:match(".*\n(%S+) %.%.%. ")
    or text:match("^(%S+) %.%.%. ")
end

local function how(result)
  if result.hung then
    return "hangs"
  elseif not result.status or result.status == 137 or result.status == 152 then
    return "spins"
  elseif result.status > 128 then
    return "dies of signal " .. result.status - 128
  end
  return "fails"
end

-- A test by its full name, as a pattern.
local function exactly(name)
  return "^" .. name:gsub("%p", "%%%0") .. "$"
end

-- What fails or hangs is tried again: a test that a busy machine made fail once
-- is no finding. (What comes of the tests before it may need all of them.)
local function confirmed(forge, stage, name, run)
  return name and run(specs_command(forge, stage, { exactly(name) }))
    or run(specs_command(forge, stage, stage.specs))
end

local function try_specs(forge, stage)
  local function run(command)
    local result = process.run("cd " .. quote(forge.tree) .. " && " .. command,
      { log = forge.log, cpu = stage.cpu or trial.cpu })
    forge.seconds = forge.seconds + result.seconds
    return result.status ~= 0 and result or nil
  end
  local result = run(specs_command(forge, stage, stage.specs))
  if not result then
    return nil
  end
  local name = test_of(forge.log)
  local said = how(result)
  if said == "fails" or said == "hangs" then
    result = confirmed(forge, stage, name, run)
  end
  return result and ("%s %s"):format(name or stage.name, said)
end

local function try_programs(forge, stage)
  for _, name in ipairs(stage.c) do
    local program = forge:link_test(name, stage.flags)
    local result = process.run(("cd %s && %s %s"):format(quote(forge.tree),
      environment(forge), quote(program)), {
        log = forge.log, cpu = stage.cpu or trial.cpu,
        vast = stage.flags ~= nil,
      })
    forge.seconds = forge.seconds + result.seconds
    if result.status ~= 0 then
      return ("%s %s"):format(name, how(result))
    end
  end
  return nil
end

---Tries what the forge has made. Who found it, and how; nil if nobody did.
---@param forge mutate.Forge
---@param stages mutate.Stage[]
---@return string?
function trial.find(forge, stages)
  local linked = false
  forge.seconds = 0
  for _, stage in ipairs(stages) do
    if stage.specs and not linked then
      forge:link_command()
      linked = true
    end
    local finder = (stage.specs and try_specs or try_programs)(forge, stage)
    if finder then
      return finder
    end
  end
  return nil
end

return trial
