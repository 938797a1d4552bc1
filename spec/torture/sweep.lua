-- Runs a spec case in copies of this process in which calls fail by a plan, and
-- judges how each copy ended.
--
-- A plan is { call =, first =, times =, errno = }: see fault_module.c. What a
-- sweep is about, is its `subject`:
--   signs   Lua patterns: texts that show that a failure was told to somebody
--   limit   seconds that a case may take, of the clock that there is
--   cpu, wall  seconds after which it is ended from outside
--   virtual whether the clock is virtual
--
-- The verdicts on a copy, of which the first three are good:
--   right   the case passed
--   clean   it failed, and a sign of the failure reached it or was reported
--   passed  it failed, by a failure that is passed over on purpose (errno.lua)
--   wrong   it failed otherwise, and nobody said a word of the failure
--   crash   a signal ended the process
--   leak    memory or descriptors were left at the end, after the state's close
--   broken  the loop's structures contradict each other
--   lost    it never ended, and there was no sign
--   hang    the process stood still, and had to be killed
--   spin    it used up its time on the processor
--   end     it ended before its case did

local core = require "miniloop.core"
local fault = require "fault"
local forked = require "forked"
local leftovers = require "spec.support.leftovers"
local ml = require "miniloop"
local places = require "places"
local runner = require "spec.support.runner"
local scratch = require "spec.support.scratch"

local sweep = {}

sweep.verdicts = {
  "right", "clean", "passed", "wrong", "crash", "leak", "broken", "lost",
  "hang", "spin", "end",
}
sweep.good = { right = true, clean = true, passed = true }

-- ------------------------------------------------------------------- the copy

-- The turns that other tasks get while calls still fail.
local last_turns = 3

-- No case needs as many.
local most_turns = 200000

local function body(test)
  if test.before then
    test.before()
  end
  test.run()
end

-- Runs the case while calls fail; notes in `result` what came of it.
local function under_fire(test, plan, result)
  if plan.first then
    fault.arm(plan.call, plan.first, plan.times, plan.errno)
  else
    fault.reset()
  end
  if plan.places then
    places.watch(plan.places == "own")
  end
  result.ok, result.err = pcall(body, test)
  for _ = 1, last_turns do
    pcall(ml.yield)
  end
  result.count, result.struck = fault.count(plan.call), fault.struck(plan.call)
  result.raised, result.given = fault.signs()
  places.unwatch()
  fault.reset()
  return true
end

local function outcome(result)
  if not result.done then
    return "late", ""
  elseif result.ok then
    return "pass", ""
  end
  local trouble = runner.explain(result.err)
  if trouble.success then
    return "pass", ""
  end
  return trouble.skipped and "skip" or "fail", tostring(trouble.message)
end

-- What is to be seen once nothing fails any more: of a case that passed, the
-- same as ever; of another, whatever its tasks hold may still be there.
local function aftermath(kind, before)
  local sound, what = core.check()
  if not sound then
    return "broken", what
  end
  local left = kind == "pass" and leftovers.since(before)
  if left then
    return "left", left
  end
  return nil
end

-- A case that lets others run until something happens, which now will not, is
-- no spin of the runtime's: it ends with an error.
local function bound_turns()
  local left = most_turns
  for _, name in ipairs { "yield", "sleep" } do
    local give_way = ml[name]
    ml[name] = function(...)
      left = left - 1
      if left < 0 then
        error("it turns and turns", 2)
      end
      return give_way(...)
    end
  end
end

-- In a copy: runs the case, and ends the process.
local function play(test, plan, subject)
  scratch.disown()
  if plan.bounded then
    bound_turns()
  end
  local before = leftovers.snapshot()
  -- With all of its fields: a new one would need memory.
  local result = {
    ok = false, err = false, done = false,
    count = 0, struck = 0, raised = 0, given = 0,
  }
  ml.yield()
  local _, in_time = pcall(ml.timeout, subject.limit, under_fire, test, plan,
    result)
  result.done = in_time == true
  fault.reset()
  local kind, text = outcome(result)
  local tidy, trouble = pcall(test.after or ml.yield)
  if kind == "pass" and not tidy then
    kind, text = "fail", tostring(trouble)
  end
  local worse, what = aftermath(kind, before)
  forked.tell(("%s %d %d %d %d %s"):format(worse or kind, result.count,
    result.struck, result.raised, result.given, what or text))
  forked.watch_end(plan.base and plan.base.blocks or 0)
  os.exit(true, true)
end

-- --------------------------------------------------------------- the judgement

local signals = { [24] = "spin" } -- SIGXCPU

-- Whether the text tells of a failure.
function sweep.has_sign(subject, text)
  for _, sign in ipairs(subject.signs) do
    if text:find(sign) then
      return true
    end
  end
  return false
end

-- Whether somebody was told. That an error of memory was raised is no proof,
-- for the runtime may have caught it; but a case that ended has judged itself.
local function signed(subject, e)
  return e.given > 0 or e.kind ~= "late" and e.raised > 0
    or sweep.has_sign(subject, e.text) or sweep.has_sign(subject, e.output)
end

-- How a copy ended, as it is known from outside of it.
local function ending(pid, wall, alone)
  local how, code = forked.wait(pid, wall, alone)
  local told = forked.told()
  local kind, count, struck, raised, given, text =
    told:match("^(%a+) (%d+) (%d+) (%d+) (%d+) (.*)$")
  local blocks, descriptors = forked.ended()
  return {
    how = how, code = code, output = forked.output(),
    kind = kind, count = tonumber(count), struck = tonumber(struck),
    raised = tonumber(raised), given = tonumber(given), text = text or "",
    blocks = blocks, descriptors = descriptors,
    started = forked.started(),
  }
end

-- A bad verdict on how the process ended, or nil.
function sweep.process_verdict(e)
  if e.how == "late" then
    return "hang", "killed"
  elseif e.how == "signal" then
    return signals[e.code] or "crash", ("signal %d"):format(e.code)
  elseif not e.blocks or not e.kind then
    return "end", ("status %d"):format(e.code)
  end
  return nil
end

local function leak_verdict(e, plan)
  local base = plan.base or { blocks = 0, descriptors = e.descriptors }
  local blocks = e.blocks - base.blocks
  local descriptors = e.descriptors - base.descriptors
  if blocks > 0 or descriptors > 0 then
    return "leak", ("%d blocks, %d descriptors"):format(blocks, descriptors)
  end
  return nil
end

local of_kind = {
  pass = "right", skip = "right", broken = "broken", left = "leak",
}

local function verdict_of(e, plan, subject)
  local verdict, text = sweep.process_verdict(e)
  if not verdict then
    verdict, text = leak_verdict(e, plan)
  end
  verdict = verdict or of_kind[e.kind]
  if verdict then
    return verdict, text or e.text
  elseif signed(subject, e) then
    return "clean", e.text
  end
  return e.kind == "late" and "lost" or "wrong", e.text
end

-- -------------------------------------------------------------------- the runs

local function try(test, plan, subject)
  local start = forked.clock()
  local pid = forked.fork(subject.cpu)
  if pid == 0 then
    play(test, plan, subject)
  end
  local e = ending(pid, subject.wall, plan.alone)
  e.seconds = subject.virtual and forked.spent() or forked.clock() - start
  local verdict, text = verdict_of(e, plan, subject)
  return verdict, text, e
end

-- Runs the case in a copy by the plan (with no `first`, nothing fails). Gives
-- the verdict, a text, and what is known of the copy's end. Whose fault a spin
-- is, the case's or the runtime's, shows when the case may not turn for ever.
function sweep.try(test, plan, subject)
  local verdict, text, e = try(test, plan, subject)
  if verdict == "spin" and plan.first then
    plan.bounded = true
    return try(test, plan, subject)
  end
  return verdict, text, e
end

-- A terminal's echo is made by the system, at its leisure, as if by a process.
local of_terminals = {
  ["net/stream.test_a_terminal_stays_as_it_is_and_does_not_block"] = true,
}

-- Runs the case with nothing failing. Gives how it ended, with `count` calls;
-- or nil and why it cannot be judged. Of its calls are noted the places that
-- nobody has tried ("new"), or all of its own ("own"); see places_module.c.
function sweep.measure(test, call, subject, noted)
  local plan = { call = call, places = noted, alone = subject.virtual }
  local verdict, text, e = sweep.try(test, plan, subject)
  if e.kind == "skip" then
    return nil, "skipped"
  elseif subject.virtual and (e.started or of_terminals[test.name]) then
    return nil, "real has processes, for which the clock does not jump"
  elseif verdict ~= "right" and (verdict ~= "leak" or e.kind ~= "pass") then
    return nil, "real " .. verdict .. ": " .. text
  end
  return e
end

local function tests_of(root, path, patterns)
  local tests = {}
  for _, test in ipairs(runner.load(root, path)) do
    if runner.matches(test.name, patterns) then
      tests[#tests + 1] = test
    end
  end
  return tests
end

-- What takes other processes to make is made before the copies are, if tests
-- may ask for it.
local function prepare()
  for name, make in pairs {
    ["spec.support.authority"] = "files",
    ["spec.support.certificates"] = "path",
  } do
    if package.loaded[name] then
      pcall(package.loaded[name][make], "ca.pem")
    end
  end
end

-- Calls f(tests) for the tests of each spec file whose names fit, in a process
-- that has loaded nothing else. True if all answered true.
function sweep.each_file(root, patterns, f)
  local good = true
  for _, path in ipairs(runner.find(root)) do
    local pid = forked.nest()
    if pid == 0 then
      local tests = tests_of(root, path, patterns)
      if #tests > 0 then
        prepare()
      end
      collectgarbage()
      local fine = f(tests)
      scratch.remove()
      forked.leave(fine and 0 or 1)
    end
    local how, code = forked.wait(pid)
    good = good and how == "exit" and code == 0
  end
  return good
end

-- --------------------------------------------------------- what sweeps share

-- The names in a file, one a line, as a set.
function sweep.read_list(path)
  local listed = {}
  for line in io.lines(path) do
    listed[line] = true
  end
  return listed
end

-- A number made of the seed and the case's name, the same everywhere.
function sweep.seed_of(seed, name)
  local n = seed
  for i = 1, #name do
    n = (n * 33 + name:byte(i)) & 0x7fffffff
  end
  return n
end

-- Which share, of how many: of "K/N", or of nothing.
function sweep.share_of(part)
  local share, shares = (part or "1/1"):match("^(%d+)/(%d+)$")
  return tonumber(share), tonumber(shares)
end

return sweep
