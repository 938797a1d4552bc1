-- Random programs of tasks, as data: made from a seed, printed, and shrunk.
--
-- A program is { seed =, poller =, capacities =, places =, mutexes =,
-- conditions =, events =, streams =, files =, grace =, main = body }. A body is
-- a list of operations, and an operation is { name, field = value ... }, with
-- bodies of its own where it is a block. Tasks are named by a number that is
-- taken modulo the tasks that there are when it comes to it: so any operation
-- may be left out, and what remains is a program.

local program = {}

-- --------------------------------------------------------------------- dice

-- A counter through a mixing function (splitmix64), in integers alone.
local function dice(seed)
  local state = seed * 0x2545F4914F6CDD1D
  return function(n)
    state = state + 0x9E3779B97F4A7C15
    local x = state
    x = (x ~ (x >> 30)) * 0xBF58476D1CE4E5B9
    x = (x ~ (x >> 27)) * 0x94D049BB133111EB
    x = x ~ (x >> 31)
    return (x >> 1) % n
  end
end

-- ------------------------------------------------------------------ choosing

-- Few different times, so that many things happen at the same one.
local times = { 0, 0.25, 0.25, 0.5, 0.5, 1, 1, 2, 3, 8 }

local function a_time(m)
  return times[m.roll(#times) + 1]
end

-- A timeout, or false: none.
local function maybe_time(m)
  return m.roll(3) > 0 and a_time(m)
end

local function one_in(m, n)
  return m.roll(n) == 0
end

local function one_of(m, n)
  return m.roll(n) + 1
end

-- So many generators are there for all tasks to resume.
local GENERATORS = 2

local make_body

-- --------------------------------------------------------------- operations

local make = {}

function make.sleep(m)
  local forever = one_in(m, 60)
  return { "sleep", time = forever and math.huge or a_time(m),
    request = one_in(m, 3) }
end

function make.yield()
  return { "yield" }
end

function make.send(m)
  return { "send", channel = one_of(m, m.channels), timeout = maybe_time(m),
    request = one_in(m, 3) }
end

function make.recv(m)
  return { "recv", channel = one_of(m, m.channels), timeout = maybe_time(m),
    request = one_in(m, 3) }
end

function make.close(m)
  return { "close", channel = one_of(m, m.channels), reason = one_in(m, 2) }
end

function make.lock(m)
  return { "lock", mutex = one_of(m, m.mutexes), request = one_in(m, 3),
    body = make_body(m) }
end

function make.trylock(m)
  return { "trylock", mutex = one_of(m, m.mutexes), body = make_body(m) }
end

function make.acquire(m)
  return { "acquire", semaphore = one_of(m, m.semaphores),
    timeout = maybe_time(m), request = one_in(m, 3), body = make_body(m) }
end

function make.await(m)
  return { "await", condition = one_of(m, m.conditions),
    mutex = one_of(m, m.mutexes), timeout = maybe_time(m) }
end

function make.await_locked(m)
  local mutex = one_of(m, m.mutexes)
  local body = make_body(m)
  table.insert(body, 1, { "await", condition = one_of(m, m.conditions),
    mutex = mutex, timeout = maybe_time(m) })
  return { "lock", mutex = mutex, request = false, body = body }
end

function make.notify(m)
  return { "notify", condition = one_of(m, m.conditions),
    number = m.roll(3) -- 0: all
  }
end

function make.set(m)
  return { "set", event = one_of(m, m.events) }
end

function make.clear(m)
  return { "clear", event = one_of(m, m.events) }
end

function make.event(m)
  return { "event", event = one_of(m, m.events), timeout = maybe_time(m),
    request = one_in(m, 3) }
end

local kinds = { "spawn", "spawn", "detach", "new", "member", "member" }

function make.spawn(m)
  return { "spawn", how = kinds[one_of(m, #kinds)], bare = one_in(m, 8),
    body = make_body(m) }
end

local function target(m)
  return m.roll(64)
end

function make.wait(m)
  return { "wait", task = target(m), by_id = one_in(m, 2),
    timeout = maybe_time(m), request = one_in(m, 3) }
end

function make.join(m)
  return { "join", task = target(m) }
end

function make.kill(m)
  return { "kill", task = target(m), by_id = one_in(m, 2) }
end

function make.cancel(m)
  return { "cancel", task = target(m), by_id = one_in(m, 2) }
end

local arms = {
  "send", "send", "recv", "recv", "sleep", "event", "acquire", "lock", "wait",
}

local make_any

-- An arm without a body: what it takes is given back at once.
local function make_arm(m, depth)
  if depth < 2 and one_in(m, 8) then
    return make_any(m, depth + 1)
  elseif m.files > 0 and one_in(m, 3) then
    return make.look(m)
  end
  local arm = make[arms[one_of(m, #arms)]](m)
  arm.body = nil
  return arm
end

function make_any(m, depth)
  local op = { "any", arms = {}, request = one_in(m, 2) }
  for i = 1, 1 + m.roll(4) do
    op.arms[i] = make_arm(m, depth)
  end
  return op
end

function make.any(m)
  return make_any(m, 0)
end

function make.timeout(m)
  return { "timeout", time = a_time(m), body = make_body(m) }
end

function make.shield(m)
  return { "shield", body = make_body(m) }
end

function make.try(m)
  return { "try", body = make_body(m) }
end

function make.pcall(m)
  return { "pcall", body = make_body(m) }
end

function make.fail()
  return { "fail" }
end

function make.group(m)
  return { "group", body = make_body(m) }
end

function make.uncrowd(m)
  return { "uncrowd", grace = one_in(m, 2) and a_time(m) }
end

function make.generator(m)
  return { "generator", gives = one_of(m, 3), takes = one_of(m, 4),
    wrap = one_in(m, 2), body = make_body(m) }
end

-- A few bodies with a yield after most of them.
local function make_parts(m)
  local parts = {}
  for _ = 1, one_of(m, 3) do
    table.move(make_body(m), 1, 8, #parts + 1, parts)
    if m.nested < 3 and one_in(m, 2) then
      parts[#parts + 1] = make.nest(m)
    elseif m.roll(4) > 0 then
      parts[#parts + 1] = { "give" }
    end
  end
  return parts
end

local function make_generator(m, name)
  m.nested = m.nested + 1
  local op = { name, generator = one_of(m, GENERATORS), wrap = one_in(m, 2),
    caught = one_in(m, 4), body = make_parts(m), clean = make_body(m) }
  m.nested = m.nested - 1
  return op
end

function make.pass(m)
  local op = make_generator(m, "pass")
  op.takes = m.roll(3)
  return op
end

function make.nest(m)
  return make_generator(m, "nest")
end

function make.pull(m)
  return { "pull", generator = one_of(m, GENERATORS) }
end

function make.dispose(m)
  return { "dispose", generator = one_of(m, GENERATORS) }
end

function make.cleanup(m)
  return { "cleanup", body = make_body(m), clean = make_body(m) }
end

function make.again(m)
  return { "again", times = one_in(m, 12) and 110 or one_of(m, 4),
    body = make_body(m) }
end

function make.write(m)
  return { "write", stream = one_of(m, m.streams) }
end

function make.read(m)
  return { "read", stream = one_of(m, m.streams) }
end

function make.readable(m)
  return { "readable", stream = one_of(m, m.streams), timeout = a_time(m) }
end

function make.hang_up(m)
  return { "hang_up", stream = one_of(m, m.streams) }
end

function make.put(m)
  return { "put", file = one_of(m, m.files) }
end

function make.take(m)
  return { "take", file = one_of(m, m.files) }
end

function make.look(m)
  return { "look", file = one_of(m, m.files), timeout = a_time(m) }
end

function make.fetch(m)
  return { "fetch", file = one_of(m, m.files), timeout = a_time(m) }
end

function make.room(m)
  return { "room", file = one_of(m, m.files), timeout = a_time(m) }
end

local closings = { "bare", "bare", "forget", "close" }

function make.swap(m)
  return { "swap", file = one_of(m, m.files),
    how = closings[one_of(m, #closings)], copy = one_in(m, 2),
    paired = one_in(m, 2), crossed = one_in(m, 2) }
end

-- In one turn, after a wait: others take the numbers, and are waited for.
function make.reuse(m)
  local file = one_of(m, m.files)
  local look, swap = make.look(m), make.swap(m)
  local again = swap.paired and make.fetch(m) or make.look(m)
  local put = { "spawn", how = "spawn", bare = false,
    body = { make.yield(m), { "put", file = file } } }
  look.file, swap.file, again.file = file, file, file
  return { "again", times = 1, body = { look, put, swap, again } }
end

function make.forget(m)
  return { "forget", file = one_of(m, m.files) }
end

function make.collect()
  return { "collect" }
end

local make_quietly

-- A collection takes its time: in few programs, and there a few times.
function make.finalize(m)
  if m.finalizers == 0 then
    return { "yield" }
  end
  m.finalizers = m.finalizers - 1
  return { "finalize", body = make_quietly(m) }
end

-- ---------------------------------------------------------------- frequencies

local plain = {
  sleep = 9, yield = 4, send = 13, recv = 13, close = 1, await = 1, notify = 4,
  set = 3, clear = 2, event = 3, wait = 6, join = 1, kill = 3, cancel = 3,
  any = 10, fail = 1, uncrowd = 1, pull = 9, dispose = 4,
}

local blocks = {
  lock = 5, trylock = 1, acquire = 4, await_locked = 2, spawn = 16,
  timeout = 5, shield = 2, try = 2, pcall = 5, group = 6, generator = 2,
  cleanup = 3, again = 3, pass = 5, finalize = 4,
}

local with_streams = { write = 4, read = 4, readable = 2, hang_up = 1 }

local with_files = { put = 8, take = 5, look = 12, fetch = 4, room = 2,
  swap = 5, reuse = 3, forget = 1 }

-- What never blocks.
local quiet = { spawn = 4, kill = 6, cancel = 3, notify = 1, set = 1, close = 1,
  pass = 1, pull = 2, dispose = 1, uncrowd = 1 }

-- A list in which each name stands as often as it is to come, in an order that
-- is the same everywhere.
local function lot(...)
  local names, list = {}, {}
  local weights = {}
  for _, set in ipairs { ... } do
    for name, weight in pairs(set) do
      names[#names + 1] = name
      weights[name] = weight
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    for _ = 1, weights[name] do
      list[#list + 1] = name
    end
  end
  return list
end

local function lots_of(...)
  return { plain = lot(plain, ...), all = lot(plain, blocks, ...) }
end

local lots = {
  plain = lots_of(),
  streams = lots_of(with_streams),
  files = lots_of(with_files),
}

local quiet_lot = lot(quiet)

local DEPTH = 5

-- A body of a few operations, while there is fuel.
function make_body(m)
  local body = {}
  m.depth = m.depth + 1
  local names = m.depth < DEPTH and m.lots.all or m.lots.plain
  local most = m.depth < 3 and 8 or 4
  for i = 1, 1 + m.roll(most) do
    if m.fuel <= 0 then
      break
    end
    m.fuel = m.fuel - 1
    body[i] = make[names[one_of(m, #names)]](m)
  end
  m.depth = m.depth - 1
  return body
end

-- Where nothing can suspend: what blocks would be the end of it.
function make_quietly(m)
  local body = {}
  for i = 1, one_of(m, 3) do
    m.fuel = m.fuel - 1
    body[i] = make[quiet_lot[one_of(m, #quiet_lot)]](m)
  end
  return body
end

local capacities = { 0, 0, 0, 1, 1, 2, 5 }

-- Streams and files: some programs have either.
local descriptors = { { 2, 0 }, { 0, 2 }, { 0, 0 }, { 0, 0 } }

local pollers = { "sim", "epoll", "select" }

-- What there is for the operations to use.
local function make_objects(m, seed)
  local p = { seed = seed, capacities = {}, places = {} }
  for i = 1, one_of(m, 3) do
    p.capacities[i] = capacities[one_of(m, #capacities)]
  end
  for i = 1, one_of(m, 2) do
    p.places[i] = one_of(m, 2)
  end
  p.mutexes, p.conditions, p.events = one_of(m, 3), 1, one_of(m, 2)
  p.streams, p.files = table.unpack(descriptors[one_of(m, #descriptors)])
  p.poller = p.files > 0 and pollers[one_of(m, #pollers)] or "sim"
  p.grace = one_in(m, 3) and a_time(m) or 5
  return p
end

-- What the operations may be and use.
local function set_out(m, p)
  m.channels, m.semaphores = #p.capacities, #p.places
  m.mutexes, m.conditions, m.events = p.mutexes, p.conditions, p.events
  m.streams, m.files = p.streams, p.files
  m.finalizers = one_in(m, 10) and 3 or 0
  m.lots = p.streams > 0 and lots.streams or p.files > 0 and lots.files
    or lots.plain
end

---The program of a seed; or of dice of the caller's, which give a number from 0
---to below n, and of about so many operations.
---@param seed integer
---@param roll (fun(n: integer): integer)?
---@param fuel integer?
function program.make(seed, roll, fuel)
  roll = roll or dice(seed)
  local m = { roll = roll, depth = 0, nested = 0,
    fuel = fuel or 30 + roll(130) }
  local p = make_objects(m, seed)
  set_out(m, p)
  p.main = { one_in(m, 3) and make.pass(m) or nil }
  for _ = 1, 2 + roll(5) do
    table.insert(p.main, make.spawn(m))
  end
  while m.fuel > 0 do
    p.main[#p.main + 1] = { "pcall", body = make_body(m) }
  end
  if one_in(m, 60) then
    table.insert(p.main, make.collect())
  end
  return p
end

-- ------------------------------------------------------------------ printing

local function fields(op)
  local names = {}
  for name, value in pairs(op) do
    if type(name) == "string" and type(value) ~= "table" and value then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  local words = { op[1] }
  for _, name in ipairs(names) do
    words[#words + 1] = ("%s=%s"):format(name, tostring(op[name]))
  end
  return table.concat(words, " ")
end

local function print_body(lines, body, indent)
  for _, op in ipairs(body) do
    lines[#lines + 1] = indent .. fields(op)
    print_body(lines, op.arms or {}, indent .. "  | ")
    print_body(lines, op.body or {}, indent .. "    ")
    if op.clean then
      lines[#lines + 1] = indent .. "  and at its close"
      print_body(lines, op.clean, indent .. "    ")
    end
  end
end

---The program as text, for people.
function program.text(p)
  local lines = {
    ("seed %d, grace %s, poller %s"):format(p.seed, tostring(p.grace),
      p.poller),
    ("%d mutexes, %d events, %d streams, %d files"):format(p.mutexes, p.events,
      p.streams, p.files),
    ("channels of capacity %s, semaphores of %s"):format(
      table.concat(p.capacities, ", "), table.concat(p.places, ", ")),
  }
  print_body(lines, p.main, "  ")
  return table.concat(lines, "\n")
end

-- ----------------------------------------------------------------- shrinking

-- Tries body[i] without: left out, then replaced by what is in it. True if one
-- of them fails still; else the body is as it was.
local function leave_out(body, i, fails)
  local op = table.remove(body, i)
  if fails() then
    return true
  end
  if op.body and #op.body > 0 then
    table.move(body, i, #body, i + #op.body)
    table.move(op.body, 1, #op.body, i, body)
    if fails() then
      return true
    end
    table.move(body, i + #op.body, #body + #op.body, i)
  end
  table.insert(body, i, op)
  return false
end

local shrink_body

local function shrink_inside(op, fails)
  local shrunk = false
  for _, part in ipairs { "body", "clean", "arms" } do
    if op[part] then
      shrunk = shrink_body(op[part], fails, part == "arms") or shrunk
    end
  end
  return shrunk
end

function shrink_body(body, fails, keep_one)
  local shrunk = false
  for i = #body, 1, -1 do
    if not (keep_one and #body == 1) and leave_out(body, i, fails) then
      shrunk = true
    elseif shrink_inside(body[i], fails) then
      shrunk = true
    end
  end
  return shrunk
end

---Leaves out of the program, in place, what `fails()` does not need to be true.
function program.shrink(p, fails)
  for _ = 1, 20 do
    if not shrink_body(p.main, fails) then
      return
    end
  end
end

return program
