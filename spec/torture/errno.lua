-- Every call of the C library that a spec case makes, failing with every code
-- that it may have, at every time that it is made: see usage.

local usage = [=[
usage: ./dev torture errno [options] [CALL[:CODE[:N]]] [PATTERN ...]
  CALL          that call alone, with that CODE, at the N-th time of a case;
                with all three, also what the case wrote
  --sample=N    at N points of each case, chosen by the seed
  --seed=N      (1)
  --places      at each place once: where no case before has made the call from
                the same functions (--places=FILE: of processes that share it)
  --part=K/N    one share of N of the points
  --tally=FILE  to which the numbers are added
  --list=FILE   names of cases, one a line: no others
  --virtual     the command was told of a virtual clock
  --sum FILE .. print what tallies add up to, and nothing else
PATTERN is a Lua pattern of the names of cases, as for spec/run.lua.]=]

package.path = "?.lua;" .. package.path

local fault = require "fault"
local forked = require "forked"
local places = require "places"
local sweep = require "spec.torture.sweep"
local tally = require "spec.torture.tally"

local limits = { limit = 300, cpu = 4, wall = 60 }

-- Other words for a failure than the code's.
local other_signs = {
  EWOULDBLOCK = { "EAGAIN" },
  EAI_MEMORY = { "ENOMEM" },
}
local signs_of_calls = {
  poll = { "ENOMEM" }, -- EAGAIN says that there is no memory
  pthread_cond_init = { "ENOMEM" },
  pthread_mutex_init = { "ENOMEM" },
  dlopen = { "error loading module", "is not there", "ENOTSUP" },
  dlsym = { "error loading module", " has no ", "ENOTSUP" },
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

local function read_arguments(words)
  local options = { patterns = {}, seed = 1, part = "1/1" }
  for _, word in ipairs(words) do
    local name, value = word:match "^%-%-(%w+)=?(.*)$"
    if name then
      options[name] = tonumber(value) or value
    elseif not read_target(options, word) then
      table.insert(options.patterns, word)
    end
  end
  if options.help then
    io.stderr:write(usage, "\n")
    os.exit(2)
  end
  local share, shares = options.part:match "^(%d+)/(%d+)$"
  options.share, options.shares = tonumber(share), tonumber(shares)
  return options
end

-- ------------------------------------------------------------------ the points

-- The calls of a case with their codes: { call =, code =, count = } in a list.
local function ways_of(options, counts)
  local ways = {}
  for call, count in counts:gmatch "([%w_]+)=(%d+)" do
    if is_call[call] and (options.call or call) == call then
      for code in fault.codes(call):gmatch "%S+" do
        if (options.code or code) == code then
          ways[#ways + 1] =
            { call = call, code = code, count = tonumber(count) }
        end
      end
    end
  end
  return ways
end

local function all_points(options, ways, add)
  for _, way in ipairs(ways) do
    for n = options.n or 1, options.n or way.count do
      add(way, n)
    end
  end
end

-- A rare call is chosen as often as one that is made a thousand times.
local function sampled_points(options, name, ways, add)
  math.randomseed(sweep.seed_of(options.seed, name))
  for _ = 1, #ways > 0 and options.sample or 0 do
    local way = ways[math.random(#ways)]
    add(way, math.random(way.count))
  end
end

local function new_places(ways, add)
  local taken = {}
  for _, place in ipairs(places.take()) do
    taken[place.call] = taken[place.call] or {}
    table.insert(taken[place.call], place.n)
  end
  for _, way in ipairs(ways) do
    for _, n in ipairs(taken[way.call] or {}) do
      add(way, n)
    end
  end
end

-- The share of points that this process is to try: { call =, code =, n = } in a
-- list.
local function points_of(options, name, counts)
  local points, index = {}, sweep.seed_of(options.seed, name) % options.shares
  local function add(way, n)
    index = index + 1
    if options.places or index % options.shares == options.share - 1 then
      points[#points + 1] = { call = way.call, code = way.code, n = n }
    end
  end
  local ways = ways_of(options, counts)
  if options.places then
    new_places(ways, add)
  elseif options.sample then
    sampled_points(options, name, ways, add)
  else
    all_points(options, ways, add)
  end
  return points
end

-- ------------------------------------------------------------------- the sweep

local function subject_of(point)
  local signs = { point.code }
  for _, more in ipairs { other_signs[point.code] or {},
    signs_of_calls[point.call] or {} } do
    table.move(more, 1, #more, #signs + 1, signs)
  end
  return {
    signs = signs, limit = limits.limit, cpu = limits.cpu, wall = limits.wall,
    virtual = limits.virtual,
  }
end

-- Calls whose failure is passed over, or made up for, on purpose: a connection
-- goes without an option that would be good to have; another address is tried;
-- the file of a socket that is closed stays; what cannot be asked is taken for
-- the usual.
local passed_over = {
  connect = true, fstat = true, getsockname = true, getsockopt = true,
  lstat = true, setsockopt = true, shutdown = true, unlink = true,
}

-- A signal is nobody's business: that something was interrupted is no answer.
local function judge(point, verdict, e)
  if point.code == "EINTR" and (verdict == "clean" or e.given > 0) then
    return "wrong"
  end
  return verdict == "wrong" and passed_over[point.call] and "passed" or verdict
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
  local verdict, text, e = sweep.try(test, plan, subject_of(point))
  verdict = judge(point, verdict, e)
  counts:add(point.call, verdict)
  if options.n then
    show(verdict, text, e)
  elseif not sweep.good[verdict] then
    report(test, point, verdict, text)
  end
  return sweep.good[verdict]
end

local function count_calls(counts)
  local sum = 0
  for call, count in counts:gmatch "([%w_]+)=(%d+)" do
    sum = sum + (is_call[call] and count or 0)
  end
  return sum
end

local function sweep_test(options, test)
  local base, why = sweep.measure(test, "memory", subject_of {},
    options.places)
  local counts = tally.new(options.tally)
  if not base then
    counts:skip(test.name, why)
    counts:write()
    return true
  end
  local good = true
  counts:case(test.name, count_calls(base.text))
  for _, point in ipairs(points_of(options, test.name, base.text)) do
    good = try_point(options, test, point, base, counts) and good
  end
  counts:write()
  return good
end

-- Whether the case is one that this process is to try: shares are of points, of
-- places they are of cases.
local function wants(options, listed, name)
  local n = sweep.seed_of(options.seed, name)
  return (not listed or listed[name])
    and (not options.places or n % options.shares == options.share - 1)
end

local function main()
  local options = read_arguments(arg)
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
      if wants(options, listed, test.name) then
        good = sweep_test(options, test) and good
      end
    end
    return good
  end)
end

io.stdout:setvbuf "line"
local good = main()
forked.leave(good and 0 or 1)
