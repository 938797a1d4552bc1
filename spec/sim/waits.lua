-- Times, conditions, events and streams, in random programs.

local core = require "miniloop.core"
local syscall = require "miniloop.syscall"
local calls = require "spec.sim.calls"
local locks = require "spec.sim.locks"
local world = require "spec.sim.world"

local now, perform = core.now, core.perform
local note, violate = world.note, world.violate
local begin, deadline_of, finish = calls.begin, calls.deadline_of, calls.finish
local option, refused, run = calls.option, calls.refused, calls.run
local suspends = calls.suspends
local own = locks.own

-- ---------------------------------------------------------------------- time
function run.sleep(T, op)
  local due = now() + op.time
  begin(T, "sleep", nil, due)
  local ok, id, late
  if op.request then
    ok, id, late = pcall(coroutine.yield, syscall.sleep(op.time))
  else
    ok, id, late = pcall(core.sleep, op.time)
  end
  finish(T, ok, id)
  if late ~= 0 or not world.same(now(), due) then
    violate(T.world, "task %d sleeps until %s, not %s", T.index, now(), due)
  end
  note(T.world, T, "sleep", 1)
end

function run.yield(T)
  begin(T, "yield")
  local ok, err = pcall(core.yield)
  finish(T, ok, err)
end

-- ----------------------------------------------------- conditions and events
-- Whoever comes back has the mutex, if there was one; unless nothing can
-- suspend there, and the wait did not begin.
local function await_locked(T, condition, mutex, timeout)
  if suspends(T) then
    mutex.owner = nil
  end
  begin(T, "relock", mutex)
  local ok, good, err = pcall(condition.it.wait, condition.it, mutex.it,
    option(timeout))
  if mutex.owner ~= T then
    own(T, mutex)
  end
  finish(T, ok, good)
  return good, err
end

local function await(T, condition, deadline, timeout)
  begin(T, "await", condition, deadline)
  local ok, good, err = pcall(condition.it.wait, condition.it, nil,
    option(timeout))
  finish(T, ok, good)
  return good, err
end

function run.await(T, op)
  local condition = T.world.conditions[op.condition]
  local before = condition.notified
  local deadline = deadline_of(op.timeout)
  local mutex = T.world.mutexes[op.mutex]
  local good, err
  T.condition = condition
  if mutex.owner == T then
    good, err = await_locked(T, condition, mutex, op.timeout)
    deadline = deadline and math.max(deadline, now()) -- and then the mutex
  else
    good, err = await(T, condition, deadline, op.timeout)
  end
  if good then
    if condition.notified == before and not condition.left then
      violate(T.world, "task %d was notified by nobody", T.index)
    end
    return note(T.world, T, "await", 1)
  end
  refused(T, op, err, deadline)
end

function run.notify(T, op)
  local condition = T.world.conditions[op.condition]
  condition.notified = condition.notified + 1
  if op.number == 0 then
    condition.it:notify_all()
  else
    condition.it:notify(op.number)
  end
  note(T.world, T, "notify", op.number)
end

function run.set(T, op)
  local event = T.world.events[op.event]
  event.set, event.times = true, event.times + 1
  event.it:set()
  note(T.world, T, "set", op.event)
end

function run.clear(T, op)
  local event = T.world.events[op.event]
  event.set = false
  event.it:clear()
  note(T.world, T, "clear", op.event)
end

local function happened(T, event, before)
  if not event.set and event.times == before then
    violate(T.world, "task %d saw an event that nobody set", T.index)
  end
  note(T.world, T, "event", 1)
end

function run.event(T, op)
  local event = T.world.events[op.event]
  local deadline, before = deadline_of(op.timeout), event.times
  begin(T, "event", event, deadline)
  local ok, good, err
  if op.request then
    ok, good, err = pcall(perform, syscall.wait(event.it, option(op.timeout)))
  else
    ok, good, err = pcall(event.it.wait, event.it, option(op.timeout))
  end
  finish(T, ok, good)
  if good then
    return happened(T, event, before)
  end
  refused(T, op, err, deadline)
end

-- ------------------------------------------------------------------- streams
local GONE = { EPIPE = true, EBADF = true, ECONNRESET = true }

-- Bytes are numbered, modulo what a byte holds: none is lost, or comes twice.
-- But a task that is killed before its write had its turn leaves a number out.
local numbering = { __close = function(write)
  if not write.over then
    write.stream.gaps = write.stream.gaps + 1
  end
end }

function run.write(T, op)
  local w = T.world
  local s = w.streams[op.stream]
  local write <close> = setmetatable({ stream = s }, numbering)
  begin(T, "write")
  local byte = string.char(s.written % 251)
  s.written = s.written + 1
  local ok, good, err = pcall(s.it.write, s.it, byte)
  write.over = true
  if not ok or not good then
    s.written = s.written - 1
  end
  finish(T, ok, good)
  if not good and not GONE[err.code] and err.code ~= "ETIMEDOUT" then
    violate(w, "task %d: write gives %s", T.index, tostring(err))
  end
  note(w, T, "write", good and 1 or 0)
end

function run.read(T, op)
  local w = T.world
  local s = w.streams[op.stream]
  begin(T, "read")
  local ok, byte, err = pcall(s.it.read, s.it, 1)
  finish(T, ok, byte)
  if byte then
    local writer = w.streams[s.peer]
    local left_out = (byte:byte() - s.taken) % 251
    if left_out > writer.gaps then
      violate(w, "task %d reads the byte %d, not %d", T.index, byte:byte(),
        s.taken % 251)
    end
    writer.gaps = writer.gaps - left_out
    s.taken = s.taken + left_out + 1
  elseif err and not GONE[err.code] and err.code ~= "ETIMEDOUT" then
    violate(w, "task %d: read gives %s", T.index, tostring(err))
  end
  note(w, T, "read", byte and 1 or 0)
end

function run.readable(T, op)
  local w = T.world
  local s = w.streams[op.stream]
  local deadline = now() + op.timeout
  begin(T, "readable", nil, deadline)
  local ok, good, err = pcall(core.wait_io_read, s.it, op.timeout)
  finish(T, ok, good)
  if not good then
    refused(T, op, err, deadline, GONE)
  end
  note(w, T, "readable", good and 1 or 0)
end

function run.hang_up(T, op)
  T.world.streams[op.stream].it:close()
  note(T.world, T, "hang_up", op.stream)
end

return { happened = happened }
