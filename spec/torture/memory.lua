-- Memory that runs out at every point of every spec case: see usage.

local usage = [[
usage: ./dev torture memory [--asan] [options] [PATTERN ...]
  --asan        under the address and undefined-behaviour sanitizers
  --mode=MODE   once, twice, or forever: how often memory is refused, from the
                point on (all three)
  --point=N     at the N-th request of a case alone, with all that it wrote
  --sample=N    at N points of each case, chosen by the seed
  --percent=N   of so many of a hundred cases, chosen by the seed
  --seed=N      (1)
  --stride=N    at each N-th point
  --places      at each place once: where no case before has asked for memory
                from the same functions (--places=FILE: of processes that share
                it)
  --seconds=N   at no more points of a case than may take so long (on the
                processor, where the clock is virtual); at one at least
  --inside      cases that start no processes alone: for those, the clock jumps
  --part=K/N    one share of N of the points
  --tally=FILE  to which the numbers are added
  --virtual     the command was told of a virtual clock
  --list=FILE   names of cases, one a line: no others
  --understood  nothing, if these words are understood
  --sum FILE .. print what tallies add up to, and nothing else
PATTERN is a Lua pattern of the names of cases, as for spec/run.lua.]]

package.path = "?.lua;" .. package.path

local commands = require "spec.torture.commands"
local fault = require "fault"
local forked = require "forked"
local places = require "places"
local specs = require "spec.support.runner"
local sweep = require "spec.torture.sweep"
local tally = require "spec.torture.tally"
local words = require "spec.torture.lib.words"

local subject = {
  signs = {
    "not enough memory", "no memory", "ENOMEM", "[Cc]annot allocate memory",
    -- Lua's, also where memory ends
    "too many results", "too many arguments", "stack overflow",
    "a function whose text can be found", -- child.lua's, who loads to find it
  },
  limit = 300,
  cpu = 10,
  wall = 120,
}

local sanitized = commands.path:find("asan", 1, true) ~= nil

-- Cases that look at what is left out, on purpose, where there is no memory for
-- it: what matters is done and told without.
local no_place = "a task goes without the place that it was spawned at"
local no_traceback = "an error goes without its traceback"
local no_reason = "a task that never ran is cancelled without the reason"
local no_siblings = "the failure that counts is raised without those of others"
local no_session = "a session that is not kept is not resumed"
local done_without = {
  ["core/spawn.test_a_script_may_have_a_name_that_is_nearly_ours"] = no_place,
  ["scope/tasks.test_each_has_its_name_status_and_place"] = no_place,
  ["scope/group_failure.test_a_member_that_is_a_c_function_is_told_of"]
    = no_place,
  ["scope/group_failure.test_the_first_failure_counts_and_all_are_listed"]
    = no_siblings,
  ["scope/group_failure.test_siblings_are_named_when_the_block_itself_fails"]
    = no_siblings,
  ["scope/block_cancel.test_a_member_cancelled_before_it_runs_never_runs"]
    = no_reason,
  ["core/cancel.test_a_task_that_was_cancelled_before_it_ran_never_runs"]
    = no_reason,
  ["core/frame.test_a_traceback_of_a_dead_coroutine_goes_with_it"]
    = no_traceback,
  ["core/failure.test_the_traceback_is_of_the_error_that_the_task_died_of"]
    = no_traceback,
  ["scope/group_failure.test_a_line_that_is_too_long_is_left_out_whole"]
    = no_siblings,
  ["tls/handshake.test_a_session_is_resumed_by_the_same_context"]
    = no_session,
}

-- For ever is so many: a case that makes more requests shows that it recovers,
-- and one of thousands of tasks, for each of which Lua collects garbage, ends
-- in time.
local modes = { once = 1, twice = 2, forever = 1000 }
local mode_names = { "once", "twice", "forever" }

-- ----------------------------------------------------------------- the options

local kinds = {
  mode = "text", point = "number", sample = "number", percent = "number",
  seed = "number", stride = "number", places = "flag|text", seconds = "number",
  inside = "flag", part = "text", tally = "text", virtual = "flag",
  list = "text", sum = "flag", understood = "flag",
}

local function read_arguments()
  local options, patterns = words.options(arg, kinds, usage)
  if options.mode and not modes[options.mode] then
    words.refuse(("there is no mode %q"):format(options.mode), usage)
  end
  options.patterns = patterns
  options.seed, options.stride = options.seed or 1, options.stride or 1
  options.share, options.shares = sweep.share_of(options.part)
  options.by_case = options.sample or options.places
  return options
end

-- ------------------------------------------------------------------ the points

local function all_points(options, count, add)
  for _, mode in ipairs(mode_names) do
    if (options.mode or mode) == mode then
      for n = options.point or 1, options.point or count, options.stride do
        add(mode, n)
      end
    end
  end
end

local function sampled_points(options, name, count, add)
  math.randomseed(sweep.seed_of(options.seed, name))
  for _ = 1, math.min(options.sample, count) do
    add(options.mode or mode_names[math.random(#mode_names)],
      math.random(count))
  end
end

-- The points that there is time for, far between. A copy takes as long as the
-- one in which nothing failed, about.
local function timely_points(options, points, seconds)
  local most = options.seconds and math.max(1, options.seconds // seconds)
  if not most or #points <= most then
    return points
  end
  local fewer = {}
  for i = 1, most do
    fewer[i] = points[math.floor((i - 0.5) * #points / most) + 1]
  end
  return fewer
end

local function new_places(options, add)
  for _, place in ipairs(places.take()) do
    if place.call == "memory" then
      for _, mode in ipairs(options.mode and { options.mode } or mode_names) do
        add(mode, place.n)
      end
    end
  end
end

-- Whether the case is one that this process is to try. Shares are of points, of
-- samples and places they are of cases.
local function wants(options, name)
  local n = sweep.seed_of(options.seed, name)
  return not (options.listed and not options.listed[name]
    or options.by_case and n % options.shares ~= options.share - 1
    or options.percent and n // options.shares % 100 >= options.percent)
end

-- The share of points that this process is to try: { mode =, n = } in a list.
local function points_of(options, name, count, seconds)
  local points, index = {}, sweep.seed_of(options.seed, name) % options.shares
  local function add(mode, n)
    index = index + 1
    if options.by_case or index % options.shares == options.share - 1 then
      points[#points + 1] = { mode = mode, n = n }
    end
  end
  if options.places then
    new_places(options, add)
  elseif options.sample then
    sampled_points(options, name, count, add)
  else
    all_points(options, count, add)
  end
  return timely_points(options, points, seconds)
end

-- ------------------------------------------------------------------- the sweep

local function replay(name, point)
  return ("./dev torture memory%s --mode=%s --point=%d '^%s$'"):format(
    sanitized and " --asan" or "", point.mode, point.n,
    (name:gsub("[%.%-]", "%%%0")))
end

-- So many of the same verdict of a case and mode are printed.
local most_printed = 2

local function report(seen, test, point, verdict, text)
  local key = point.mode .. verdict
  seen[key] = (seen[key] or 0) + 1
  if seen[key] <= most_printed then
    print(("%-6s %s\n       %s"):format(verdict, replay(test.name, point),
      (text:gsub("\n", "\n       "))))
  end
end

local function show(verdict, text, e)
  print(("%s (%s %s), %s requests, %s refused"):format(verdict, e.how,
    e.code or "", e.count, e.struck))
  print(text)
  print("---- its output")
  io.write(e.output:sub(1, 2000), "\n")
end

local function try_point(options, test, point, base, seen)
  local plan = {
    call = "memory", first = point.n, times = modes[point.mode],
    base = base,
  }
  local verdict, text, e = seen.runner.try(test, plan, subject)
  if verdict == "wrong" and done_without[test.name] then
    verdict = "passed"
  end
  seen.tally:add(point.mode, verdict)
  if options.point then
    show(verdict, text, e)
  elseif not sweep.good[verdict] then
    report(seen, test, point, verdict, text)
  end
  return sweep.good[verdict]
end

local function sweep_test(options, test)
  local runner = test.words and commands or sweep
  local base, why = runner.measure(test, "memory", subject,
    options.places and "new")
  local seen = { tally = tally.new(options.tally), runner = runner }
  if not base then
    seen.tally:skip(test.name, why)
    seen.tally:write()
    return true
  end
  local good = true
  local points = points_of(options, test.name, base.count, base.seconds)
  seen.tally:case(test.name, base.count)
  for _, point in ipairs(points) do
    good = try_point(options, test, point, base, seen) and good
  end
  seen.tally:write()
  return good
end

local function sweep_tests(options, tests)
  local good = true
  for _, test in ipairs(tests) do
    if wants(options, test.name) then
      good = sweep_test(options, test) and good
    end
  end
  return good
end

local function command_tests(options)
  local tests = {}
  for _, test in ipairs(commands.tests()) do
    if specs.matches(test.name, options.patterns) then
      tests[#tests + 1] = test
    end
  end
  return tests
end

local function main()
  local options = read_arguments()
  if options.understood then
    return true
  end
  if options.sum then
    return tally.print_sum(options.patterns, mode_names, sweep.verdicts,
      sweep.good)
  end
  subject.virtual = options.virtual ~= nil
  if not subject.virtual then -- who waits for what will not come, ends in time
    subject.limit = 20
  end
  options.listed = options.list and sweep.read_list(options.list)
  if options.places then
    places.open(options.places)
  end
  fault.reset()
  local good = options.places ~= nil -- commands are no copies of this process
    or sweep_tests(options, command_tests(options))
  return sweep.each_file("", options.patterns, function(tests)
    return sweep_tests(options, tests)
  end) and good
end

io.stdout:setvbuf("line")
local good = main()
forked.leave(good and 0 or 1)
