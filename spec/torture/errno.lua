-- Every call of the C library that a spec case makes, failing with the codes
-- that it may have, on each path that leads to it: see usage.

local usage = [=[
usage: ./dev torture errno [options] [CALL[:CODE[:N]]] [PATTERN ...]
  CALL          that call alone, with that CODE, at the N-th time of a case;
                with all three, also what the case wrote
  --sample=N    at N points of each case, chosen by the seed
  --seed=N      (1)
  --places      at each place once: where no case before has made the call from
                the same functions (--places=FILE: of processes that share it)
  --seconds=N   at no more points of a case than may take so long (10)
  --inside      cases that start no processes alone: for those, the clock jumps
  --part=K/N    one share of N of the cases
  --tally=FILE  to which the numbers are added
  --list=FILE   names of cases, one a line: no others
  --virtual     the command was told of a virtual clock
  --understood  nothing, if these words are understood
  --sum FILE .. print what tallies add up to, and nothing else
PATTERN is a Lua pattern of the names of cases, as for spec/run.lua.]=]

package.path = "?.lua;" .. package.path

local fault = require "fault"
local forked = require "forked"
local left_out = require "spec.torture.io_left_out"
local passed_over = require "spec.torture.passed_over"
local is_named = require "spec.torture.lib.named"
local places = require "places"
local sweep = require "spec.torture.sweep"
local tally = require "spec.torture.tally"
local words = require "spec.torture.lib.words"

local limits = { limit = 300, cpu = 4, wall = 60, probe = 10 }

-- Of a case's time, unless told otherwise.
local seconds = 10

-- Other words for a failure than the code's.
local signs_of_calls = {
  dlopen = { "error loading module", "is not there" },
  dlsym = { "error loading module", " has no " },
}

-- ----------------------------------------------------------------- the options

local is_call = {}
for _, call in ipairs(fault.calls()) do
  is_call[call] = call ~= "memory"
end

-- Takes CALL[:CODE[:N]]; false if the word is none.
local function read_target(options, word)
  local call, rest = word:match "^([%w_]+)(.*)$"
  local code, n = (rest or ""):match "^:?([%u%d_]*):?(%d*)$"
  if not is_call[call] or not code then
    return false
  end
  options.call, options.code = call, code ~= "" and code or nil
  options.n = tonumber(n)
  return true
end

local kinds = {
  sample = "number", seed = "number", places = "flag|text",
  seconds = "number", inside = "flag", part = "text", tally = "text",
  list = "text", virtual = "flag", sum = "flag", understood = "flag",
}

local function read_arguments()
  local options, rest = words.options(arg, kinds, usage)
  options.seed = options.seed or 1
  options.share, options.shares = sweep.share_of(options.part)
  options.patterns = {}
  for _, word in ipairs(rest) do
    if not read_target(options, word) then
      table.insert(options.patterns, word)
    end
  end
  return options
end

-- ------------------------------------------------------------------ the points

-- EAGAIN is what these cases cannot do with: they try once.
local function tries_once(name)
  for _, group in ipairs(left_out.eagain) do
    if is_named(group, name) then
      return true
    end
  end
  return false
end

-- Failures that a case has no time for: a listener without memory rests, and a
-- clock that is virtual stands still while the case counts its turns.
local no_time = { accept4 = "^http/client_kill%." }

-- The codes of a call in lists, each of codes that go the same way.
local function groups_of(options, call, again)
  local groups = {}
  for text in fault.codes(call):gmatch "[^|]+" do
    local group = {}
    for code in text:gmatch "%S+" do
      if (options.code or code) == code and (again or code ~= "EAGAIN") then
        group[#group + 1] = code
      end
    end
    groups[#groups + 1] = #group > 0 and group or nil
  end
  return groups
end

-- The times of each call that are worth it, as they were noted: lists by call.
local function times_of(options)
  local times = {}
  for _, place in ipairs(places.take()) do
    if is_call[place.call] and (options.call or place.call) == place.call then
      times[place.call] = times[place.call] or {}
      table.insert(times[place.call], place.n)
    end
  end
  if options.n then
    times[options.call] = { options.n }
  end
  return times
end

-- What can be made to fail: { call =, codes =, times = } in a list, in order.
local function ways_of(options, name)
  local ways, again = {}, options.code == "EAGAIN" or not tries_once(name)
  local times = times_of(options)
  for _, call in ipairs(fault.calls()) do
    local vain = not times[call]
      or no_time[call] and name:find(no_time[call])
    for _, codes in ipairs(vain and {} or groups_of(options, call, again)) do
      ways[#ways + 1] = { call = call, codes = codes, times = times[call] }
    end
  end
  return ways
end

-- Of codes that go the same way, each time has its turn of one; a code that is
-- asked for is tried each time.
local function all_points(options, name, ways, add)
  local turn = sweep.seed_of(options.seed, name)
  for _, way in ipairs(ways) do
    for _, n in ipairs(way.times) do
      turn = turn + 1
      add(way.call, way.codes[turn % #way.codes + 1], n)
    end
  end
end

-- A rare call is chosen as often as one that is made a thousand times.
local function sampled_points(options, name, ways, add)
  math.randomseed(sweep.seed_of(options.seed, name))
  for _ = 1, #ways > 0 and options.sample or 0 do
    local way = ways[math.random(#ways)]
    add(way.call, way.codes[math.random(#way.codes)],
      way.times[math.random(#way.times)])
  end
end

-- At new places every code is tried.
local function new_places(ways, add)
  for _, way in ipairs(ways) do
    for _, n in ipairs(way.times) do
      for _, code in ipairs(way.codes) do
        add(way.call, code, n)
      end
    end
  end
end

-- So many of the list, by the seed.
local function thinned(options, name, points, most)
  math.randomseed(sweep.seed_of(options.seed, name))
  for i = 1, math.min(most, #points) do
    local j = math.random(i, #points)
    points[i], points[j] = points[j], points[i]
  end
  return table.move(points, 1, math.min(most, #points), 1, {})
end

-- The points to be tried, { call =, code =, n = } in a list, and how many there
-- would be.
local function points_of(options, name, base)
  local points = {}
  local function add(call, code, n)
    points[#points + 1] = { call = call, code = code, n = n }
  end
  local ways = ways_of(options, name)
  if options.places then
    new_places(ways, add)
  elseif options.sample then
    sampled_points(options, name, ways, add)
  else
    all_points(options, name, ways, add)
  end
  local most = math.max(1, (options.seconds or seconds) // base.seconds)
  return thinned(options, name, points, most), #points
end

-- ------------------------------------------------------------------- the sweep

local function subject_of(point, base)
  local signs = {}
  if point then
    signs = fault.told(point.call, point.code)
    table.move(signs_of_calls[point.call] or {}, 1, 9, #signs + 1, signs)
    signs[#signs + 1] = point.code
  end
  return {
    -- On the real clock, who waits for what will not come ends in time.
    signs = signs, limit = limits.virtual and limits.limit or 20,
    wall = not point and limits.virtual and limits.probe or limits.wall,
    cpu = limits.cpu + 4 * math.ceil(base and base.seconds or 0),
    virtual = limits.virtual,
  }
end

-- Whether that the case found `text` is what comes of a failure that is passed
-- over on purpose.
local function is_passed_over(name, point, text)
  for _, group in ipairs(passed_over) do
    for _, call in ipairs(group.calls) do
      if (call == point.call or call == point.call .. ":" .. point.code)
        and is_named(group.cases, name) and text:find(group.shows or "") then
        return true
      end
    end
  end
  return false
end

-- A signal is nobody's business: that something was interrupted is no answer.
local function judge(name, point, verdict, text, e)
  if point.code == "EINTR" and (verdict == "clean" or e.given > 0) then
    return "wrong"
  end
  local passed = verdict == "wrong" and is_passed_over(name, point, text)
  return passed and "passed" or verdict
end

local function target(point)
  return ("%s:%s:%d"):format(point.call, point.code, point.n)
end

local function report(test, point, verdict, text)
  print(("%-6s ./dev torture errno %s '^%s$'\n       %s"):format(verdict,
    target(point), (test.name:gsub("[%.%-]", "%%%0")),
    (text:gsub("\n", "\n       "))))
end

local function show(verdict, text, e)
  print(("%s (%s %s), %s calls, %s failed"):format(verdict, e.how, e.code or "",
    e.count, e.struck))
  print(text)
  print("---- its output")
  io.write(e.output)
end

local function try_point(options, test, point, base, counts)
  local plan = {
    call = point.call, first = point.n, times = 1, errno = point.code,
    base = base,
  }
  local verdict, text, e = sweep.try(test, plan, subject_of(point, base))
  verdict = judge(test.name, point, verdict, text, e)
  counts:add(point.call, verdict)
  if options.n then
    show(verdict, text, e)
  elseif not sweep.good[verdict] then
    report(test, point, verdict, text)
  end
  return sweep.good[verdict]
end

-- Whether the case falls to this process.
local function is_mine(options, name)
  local share = sweep.seed_of(options.seed, name) % options.shares
  return share == options.share - 1
end

local function sweep_test(options, test)
  local base, why = sweep.measure(test, "memory", subject_of(),
    options.places and "new" or "own")
  local counts = tally.new(options.tally)
  if not base then
    counts:skip(test.name, why)
    counts:write()
    return true
  end
  local good = true
  local points, all = points_of(options, test.name, base)
  counts:case(test.name, all)
  for _, point in ipairs(points) do
    good = try_point(options, test, point, base, counts) and good
  end
  counts:write()
  return good
end

local function main()
  local options = read_arguments()
  if options.understood then
    return true
  end
  if options.sum then
    return tally.print_sum(options.patterns, fault.calls(), sweep.verdicts,
      sweep.good)
  end
  local listed = options.list and sweep.read_list(options.list)
  limits.virtual = options.virtual ~= nil
  if options.places then
    places.open(options.places)
  end
  fault.reset()
  return sweep.each_file("", options.patterns, function(tests)
    local good = true
    for _, test in ipairs(tests) do
      if is_mine(options, test.name)
        and (not listed or listed[test.name]) then
        good = sweep_test(options, test) and good
      end
    end
    return good
  end)
end

io.stdout:setvbuf "line"
local good = main()
forked.leave(good and 0 or 1)
