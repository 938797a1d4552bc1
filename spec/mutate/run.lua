-- Changes one thing at a time in the runtime and sees whether a spec notices.
-- `./dev mutate` runs it, by the command that its build has made.
--
-- A mutant that no compiler takes, or whose code is the original's, is none.
-- Those in spec/mutate/equivalent.txt are left out as well.

local usage = [[
usage: ./dev mutate [options] [FILE.c | LAYER ...]     (core)
       ./dev mutate planted [NAME ...]
  --seed=N    which mutants, and in which order (1)
  --count=N   so many of them (100)
  --skip=N    without the first N, which another run has tried (0)
  --only=ID   this one, which a run has named
  --jobs=N    so many at a time (2)
  --least=P   fail when fewer than P percent are found (90)
  --thorough  let slow specs look for what the quick ones have not found
  --list      print what there is and stop
  -v          tell of those that are found, too
]]

local root = arg[0]:match("^(.*/)spec/mutate/[^/]*$") or ""
package.path = root .. "?.lua;" .. package.path

local forge = require "spec.mutate.forge"
local kept = require "spec.mutate.kept"
local killers = require "spec.mutate.killers"
local lfs = require "lfs"
local ml = require "miniloop"
local mutants = require "spec.mutate.mutants"
local plant = require "spec.mutate.plant"
local trial = require "spec.mutate.trial"

local EQUIVALENT = "spec/mutate/equivalent.txt"

-- --------------------------------------------------------------- the words

local function wrong_usage()
  io.stderr:write(usage)
  os.exit(2)
end

local defaults = {
  seed = 1, count = 100, skip = 0, jobs = 2, least = 90, only = "",
  list = false, thorough = false, v = false,
}

local function read_option(options, word)
  local name, value = word:match("^%-%-?(%a+)=?(.*)$")
  local default = defaults[name]
  if default == nil or (type(default) == "boolean") ~= (value == "") then
    wrong_usage()
  elseif type(default) == "number" then
    value = math.tointeger(value) or wrong_usage()
  elseif type(default) == "boolean" then
    value = true
  end
  options[name] = value
end

local function read_words(words)
  local options = setmetatable({ words = {} }, { __index = defaults })
  for _, word in ipairs(words) do
    if word:sub(1, 1) == "-" then
      read_option(options, word)
    else
      table.insert(options.words, word)
    end
  end
  return options
end

-- ------------------------------------------------------------- the workers

local build = lfs.currentdir() .. "/build/mutate"

-- The folder of this run's workers: others may go on beside it.
local function folder()
  return ("%s/run-%s"):format(build, mutants.read("/proc/self/stat")
    :match("^%d+"))
end

local function new_forge(i)
  local f = forge.new(build, ("%s/%d"):format(folder(), i))
  f.tree = lfs.currentdir()
  return f
end

local function remove_folder()
  os.execute("rm -rf '" .. folder() .. "'")
end

-- Calls work(forge, item) for what take() gives, in so many tasks.
local function in_parallel(jobs, take, work)
  ml.group(function(g)
    for i = 1, jobs do
      g:spawn(function()
        local f = new_forge(i)
        for item in take do
          work(f, item)
        end
      end)
    end
  end)
end

local function each(list)
  local i = 0
  return function()
    i = i + 1
    return list[i]
  end
end

-- The tree as it is has to pass what is to find mutants.
local function try_plain(options)
  local troubles, stages = {}, killers.all(options.thorough)
  in_parallel(options.jobs, each(stages), function(f, stage)
    f:make_plain()
    local finder = trial.find(f, { stage })
    troubles[#troubles + 1] = finder
    print(("unchanged: %s: %s (%.1f s)"):format(stage.name, finder or "ok",
      f.seconds))
  end)
  return #troubles == 0
end

-- --------------------------------------------------------------- a mutant

local function show(mutant)
  print(("- %s\n+ %s"):format(mutant.before, mutant.after))
end

local function place(mutant)
  return ("%s:%d: %s"):format(mutant.path, mutant.line, mutant.func)
end

local function try_mutant(f, mutant, thorough)
  local text = mutants.text(mutant.path, mutant.from, mutant.to, mutant.text)
  mutant.outcome = f:make(mutant.path, text)
  if mutant.outcome == "made" then
    mutant.finder = trial.find(f, killers.stages(mutant.path, thorough))
    mutant.outcome = mutant.finder and "found" or "survived"
  end
end

local function tell(mutant, verbose)
  if mutant.outcome == "survived" then
    print(("survived %s %s (%s)"):format(mutant.id, place(mutant),
      mutant.kind))
    show(mutant)
    print("  again by: ./dev mutate --only=" .. mutant.id .. " "
      .. mutant.path)
  elseif verbose then
    print(("%s %s %s (%s)%s"):format(mutant.outcome, mutant.id, place(mutant),
      mutant.kind, mutant.finder and ": " .. mutant.finder or ""))
  end
end

-- --------------------------------------------------------------- a sample

-- Without those that are known to be equivalent, in the order of the seed.
local function candidates(options)
  local words = #options.words > 0 and options.words or { "core" }
  local equivalent, found = kept.read(EQUIVALENT), {}
  for _, mutant in ipairs(mutants.of(mutants.files(words))) do
    if options.only == mutant.id
      or options.only == "" and not equivalent[mutant.key] then
      found[#found + 1] = mutant
    end
  end
  mutants.shuffle(found, options.seed)
  return found
end

-- Hands out the mutants one by one, until `count` of them have counted: which
-- ones they are does not depend on who is quicker.
local function taker(found, options, state)
  local i, count = options.skip, options.count
  return function()
    while state.counted + state.busy >= count and state.busy > 0 do
      state.changed:wait()
    end
    if state.counted >= count or not found[i + 1] then
      return nil
    end
    i = i + 1
    state.busy = state.busy + 1
    return found[i]
  end
end

local function try_sample(found, options)
  local state = {
    counted = 0, killed = 0, busy = 0, tried = 0, changed = ml.condition(),
  }
  in_parallel(options.jobs, taker(found, options, state),
    function(f, mutant)
      try_mutant(f, mutant, options.thorough)
      tell(mutant, options.v)
      local counts = mutant.finder or mutant.outcome == "survived"
      state.tried = state.tried + 1
      state.counted = state.counted + (counts and 1 or 0)
      state.killed = state.killed + (mutant.finder and 1 or 0)
      state.busy = state.busy - 1
      state.changed:notify_all()
    end)
  return state
end

local function summary(state, found, options)
  local percent = 100 * state.killed / math.max(state.counted, 1)
  print(("seed %d: %d of %d mutants found (%.1f %%); %d more are no change or "
    .. "do not compile; there are %d in all"):format(options.seed, state.killed,
    state.counted, percent, state.tried - state.counted, #found))
  local good = state.counted > 0 and percent >= options.least
  print(("%d passed, %d failed"):format(state.killed,
    good and 0 or math.max(state.counted - state.killed, 1)))
  return good
end

local function stale_records()
  local stale = kept.stale(kept.read(EQUIVALENT))
  for _, record in ipairs(stale) do
    print("equivalent.txt has what the source has not:\n" .. record)
  end
  return #stale > 0
end

-- ---------------------------------------------------------------- the whole

local function list(found)
  for _, mutant in ipairs(found) do
    print(mutant.id, place(mutant), mutant.kind)
    show(mutant)
  end
end

local function main(options)
  local _ <close> = setmetatable({}, { __close = remove_folder })
  if options.words[1] == "planted" then
    return plant.run(table.move(options.words, 2, #options.words, 1, {}),
      function(take, work)
        in_parallel(options.jobs, take, work)
      end)
  end
  local found = candidates(options)
  if options.list then
    list(found)
    return true
  elseif stale_records() then
    return false
  elseif options.only == "" and not try_plain(options) then
    print("the specs fail on the tree as it is")
    return false
  end
  return summary(try_sample(found, options), found, options)
end

io.stdout:setvbuf("line")
local options = read_words(arg)
os.exit(main(options) and 0 or 1)
