-- What must hold while a random program runs: a model of its objects, kept by
-- what the tasks were told, and compared with what the runtime does.
--
-- A record of a task (T) says what it is doing: T.doing, T.object, T.deadline
-- and T.arms. It is written before a call that may block and stays as it was
-- when the task is killed in it.

local core = require "miniloop.core"

local now, check = core.now, core.check

local world = {}
world.__index = world

-- --------------------------------------------------------------- violations

local violation = { __tostring = function(v)
  return v.text
end }

---Stops the run: `text` says what does not hold. The first one counts.
function world.violate(w, text, ...)
  if not w.violation then
    if select("#", ...) > 0 then
      text = text:format(...)
    end
    w.violation = setmetatable({ text = text }, violation)
  end
  error(w.violation, 0)
end

local violate = world.violate

-- Time is kept in ticks of this many in a second, all times being multiples.
local TICKS = 4

-- A task that will not hear its cancellation is paused for a millisecond at a
-- time; then clocks have fractions, which the runtime rounds up to whole
-- nanoseconds and the world does not.
local NOTHING = 1e-6

---True if a time is later than the other.
function world.later(a, b)
  return a - b > NOTHING
end

local later = world.later

---True if they are the same.
function world.same(a, b)
  return not later(a, b) and not later(b, a)
end

-- ------------------------------------------------------------------- making

---The world of a program, before it runs.
function world.new(p)
  local w = setmetatable({
    program = p, tasks = {}, channels = {}, mutexes = {}, semaphores = {},
    conditions = {}, events = {}, streams = {}, files = {}, pipes = {},
    generators = {}, values = {}, finalizing = false, hash = 0, steps = 0,
    untold = 0, killed = false, orphaned = false,
  }, world)
  for i, capacity in ipairs(p.capacities) do
    w.channels[i] = { it = core.channel(capacity), capacity = capacity,
      closed = false, receivers = {} }
  end
  for i, places in ipairs(p.places) do
    w.semaphores[i] = { it = core.semaphore(places), places = places, held = 0 }
  end
  for i = 1, p.mutexes do
    w.mutexes[i] = { it = core.mutex(), owner = nil }
  end
  for i = 1, p.conditions do
    w.conditions[i] = { it = core.condition(), notified = 0 }
  end
  for i = 1, p.events do
    w.events[i] = { it = core.event(), set = false, times = 0 }
  end
  for i = 1, p.streams, 2 do
    local a, b = core.net.pair()
    w.streams[i] = { it = a, peer = i + 1, written = 0, taken = 0,
      gaps = 0 }
    w.streams[i + 1] = { it = b, peer = i, written = 0, taken = 0,
      gaps = 0 }
    a:settimeout(2)
    b:settimeout(2)
  end
  return w
end

---Gives back what a collection would, so that the next run has the same
---descriptors.
function world.close(w)
  for _, s in ipairs(w.streams) do
    s.it:close()
  end
end

-- -------------------------------------------------------------------- traces

local PRIME = 0x100000001B3

---Adds to the trace: who, what, how it went.
function world.note(w, T, what, how)
  local h = w.hash
  h = (h ~ T.index) * PRIME
  h = (h ~ #what) * PRIME
  h = (h ~ what:byte(1)) * PRIME
  h = (h ~ how) * PRIME
  h = (h ~ (now() * TICKS // 1 | 0)) * PRIME
  w.hash = h ~ (h >> 29)
  if w.lines then
    w.lines[#w.lines + 1] = ("%8.2f  task %d: %s -> %s"):format(now(), T.index,
      what, tostring(how))
  end
end

-- -------------------------------------------- who waits, and whether rightly

local function status(T)
  return T.handle and T.handle:status() or "unknown"
end

world.status = status

local function has_arm(arms, doing, object)
  for _, arm in ipairs(arms) do
    if arm.doing == doing and arm.object == object
        or arm.doing == "any" and has_arm(arm.arms, doing, object) then
      return true
    end
  end
  return false
end

local function does(T, doing, object)
  return T.doing == doing and T.object == object
    or T.doing == "any" and has_arm(T.arms, doing, object)
end

local function may_be(T, state)
  return status(T) == state or status(T) == "unknown"
end

-- True if another task does `doing` with the object, and is in that state.
local function anyone(w, T, doing, object, state)
  for _, U in ipairs(w.tasks) do
    if U ~= T and not U.ended and does(U, doing, object)
        and (not state or may_be(U, state)) then
      return true
    end
  end
  return false
end

world.anyone = anyone

local rightly = {}

-- True if a task that certainly waits (its state is known) does so with it.
local function certainly(w, T, doing, object)
  for _, U in ipairs(w.tasks) do
    if U ~= T and not U.ended and U.doing == doing and U.object == object
        and status(U) == "waiting" then
      return true
    end
  end
  return false
end

function rightly.recv(w, T, ch)
  return #ch.it == 0 and not ch.closed and not certainly(w, T, "send", ch)
end

function rightly.send(w, T, ch)
  return not ch.closed and #ch.it >= ch.capacity
    and not certainly(w, T, "recv", ch)
end

function rightly.event(_, _, event)
  return not event.set
end

-- A lock may have been handed to a task that has not run since.
function rightly.lock(w, T, mutex)
  return mutex.owner ~= nil or anyone(w, T, "lock", mutex, "ready")
    or anyone(w, T, "relock", mutex, "ready")
end

function rightly.relock()
  return true
end

function rightly.acquire(w, T, semaphore)
  return semaphore.held == semaphore.places
    or anyone(w, T, "acquire", semaphore, "ready")
end

function rightly.wait(_, _, target)
  return not target.over
end

local function check_one(w, T, doing, object, deadline)
  if deadline and later(now(), deadline) then
    violate(w, "task %d waits to %s past its deadline", T.index, doing)
  end
  local good = rightly[doing]
  if good and not good(w, T, object) then
    violate(w, "task %d waits to %s, and need not", T.index, doing)
  end
end

local function check_arms(w, T, arms)
  for _, arm in ipairs(arms) do
    if arm.doing == "any" then
      check_arms(w, T, arm.arms)
    else
      check_one(w, T, arm.doing, arm.object, arm.deadline)
    end
  end
end

-- Who was told a hundred times that he is cancelled is made to pause.
local function may_pause(T)
  return T.heard >= 100
end

local function check_waits(w)
  for _, T in ipairs(w.tasks) do
    if T.doing and not T.ended and T.handle and status(T) == "waiting"
        and not may_pause(T) then
      if T.doing == "any" then
        check_arms(w, T, T.arms)
      else
        check_one(w, T, T.doing, T.object, T.deadline)
      end
    end
  end
end

---To be called after each operation.
function world.step(w)
  w.steps = w.steps + 1
  local good, what = check()
  if not good then
    violate(w, "the core: %s", what)
  end
  check_waits(w)
end

-- ------------------------------------------------------------------- the end

-- How a task that ended came to it: it returned, let an error go, or was
-- killed. Runs as the last of what is to be closed in it.
local ender = {}

-- The generators that it was inside of have been closed, the innermost first.
local function check_inside(w, T)
  for _, g in ipairs(T.inside) do
    if g.open ~= 0 then
      violate(w, "task %d was killed in a generator with %d open variables",
        T.index, g.open)
    end
  end
end

local function note_killed(w, T)
  w.killed = true
  check_inside(w, T)
  if T.doing == "await" or T.doing == "relock" then
    T.condition.left = true -- what it was told is told to the next
  end
  if not T.told and not T.group and not w.orphaned then
    w.untold = w.untold + 1
    if T.deadline and T.deadline < math.huge then
      violate(w, "task %d was killed while its timeout could wake it", T.index)
    end
  end
end

function ender.__close(e, err)
  local T, w = e.task, e.world
  T.ended, T.over = true, true
  if T.outcome == nil then
    T.outcome = err ~= nil and "raised" or "killed"
    T.err = err
    w.orphaned = w.orphaned or T.index == 1 -- the others are cancelled
  end
  if T.outcome == "killed" then
    note_killed(w, T)
  end
  w:note(T, T.outcome, 0)
  if w.finalizing then
    violate(w, "task %d ends while a finalizer runs", T.index)
  end
end

function world.ender(w, T)
  return setmetatable({ task = T, world = w }, ender)
end

-- What was to run has run, and has ended.
local function check_ended(w, stuck)
  for _, T in ipairs(w.tasks) do
    if T.started and not T.ended then
      violate(w, "task %d was lost: it is neither alive nor ended", T.index)
    elseif not T.started and not T.told and not T.group and not w.orphaned
        and not stuck then
      violate(w, "task %d never ran", T.index)
    end
  end
end

local function check_error(w, stuck)
  if stuck and not w.killed then
    violate(w, "a deadlock of nobody")
  elseif not stuck and w.untold > 0 then
    violate(w, "a task was killed, and nobody asked for it")
  end
end

-- -------------------------------------------------- what is left after the run

local function take_left(w, ch)
  while true do
    local v, err = ch.it:recv(0)
    if v == nil then
      return err
    end
    local value = w.values[v]
    if value.channel ~= ch or value.got or value.rejected then
      violate(w, "the value %d is left in a channel, and should not be", v)
    end
    value.got = true
  end
end

local function check_values(w)
  for v, value in ipairs(w.values) do
    if value.accepted and not value.got then
      violate(w, "the value %d was sent, and is lost", v)
    end
  end
end

local function check_locks(w)
  for i, mutex in ipairs(w.mutexes) do
    if not mutex.it:trylock() then
      violate(w, "the mutex %d stays locked", i)
    end
  end
  for i, semaphore in ipairs(w.semaphores) do
    for _ = 1, semaphore.places do
      if not semaphore.it:acquire(0) then
        violate(w, "a place of the semaphore %d is lost", i)
      end
    end
    if semaphore.it:acquire(0) then
      violate(w, "the semaphore %d has a place too many", i)
    end
  end
end

---Inside a run of its own, after the program's: what it left.
function world.check_left(w)
  for _, ch in ipairs(w.channels) do
    take_left(w, ch)
  end
  check_values(w)
  check_locks(w)
end

---After the run, which gave `ok, err` as pcall does.
function world.check_end(w, ok, err)
  if not w.violation then
    local stuck = not ok and core.iserror(err) and err.code == "EDEADLK"
      and err.op == "run"
    check_ended(w, stuck)
    check_error(w, stuck)
  end
end

return world
