-- Choices, in random programs.
--
-- For each kind of arm: `arm` makes the request and what is told of it, `take`
-- is called when it came first, `lose` when it did not.

local core = require "miniloop.core"
local syscall = require "miniloop.syscall"
local calls = require "spec.sim.calls"
local channels = require "spec.sim.channels"
local files = require "spec.sim.files"
local locks = require "spec.sim.locks"
local tasks = require "spec.sim.tasks"
local waits = require "spec.sim.waits"
local world = require "spec.sim.world"

local iserror, now = core.iserror, core.now
local note, violate = world.note, world.violate
local begin, deadline_of, finish = calls.begin, calls.deadline_of, calls.finish
local option, raised, refused = calls.option, calls.raised, calls.refused
local run = calls.run
local offer, received = channels.offer, channels.received
local reject, sent = channels.reject, channels.sent
local EDEADLK, hold, own = locks.EDEADLK, locks.hold, locks.own
local by_id_code, name_of = tasks.by_id_code, tasks.name_of
local target, waited = tasks.target, tasks.waited
local happened = waits.happened

local arm, take, lose = {}, {}, {}

local function arm_of(doing, object, deadline, request)
  return { doing = doing, object = object, deadline = deadline,
    request = request }
end

function arm.sleep(_, op)
  return arm_of("sleep", nil, now() + op.time, syscall.sleep(op.time))
end

function take.sleep(T, a)
  if not world.same(now(), a.deadline) then
    violate(T.world, "task %d: a sleep of a choice ends at %s, not %s",
      T.index, now(), a.deadline)
  end
end

function arm.send(T, op)
  local ch = T.world.channels[op.channel]
  local deadline = deadline_of(op.timeout)
  local v = offer(T, ch, deadline, true)
  local a = arm_of("send", ch, deadline,
    syscall.send(ch.it, v, option(op.timeout)))
  a.value = v
  return a
end

function take.send(T, a, good, err)
  sent(T, a.op, a.object, a.value, good, err, a.deadline)
end

function lose.send(T, a)
  reject(T, a.value)
end

function arm.recv(T, op)
  local ch = T.world.channels[op.channel]
  ch.receivers[T] = true
  return arm_of("recv", ch, deadline_of(op.timeout),
    syscall.recv(ch.it, option(op.timeout)))
end

function take.recv(T, a, v, err)
  received(T, a.op, a.object, v, err, a.deadline)
end

function arm.event(T, op)
  local event = T.world.events[op.event]
  local a = arm_of("event", event, deadline_of(op.timeout),
    syscall.wait(event.it, option(op.timeout)))
  a.before = event.times
  return a
end

function take.event(T, a, good, err)
  if good then
    return happened(T, a.object, a.before)
  end
  refused(T, a.op, err, a.deadline)
end

function arm.acquire(T, op)
  local semaphore = T.world.semaphores[op.semaphore]
  return arm_of("acquire", semaphore, deadline_of(op.timeout),
    syscall.acquire(semaphore.it, option(op.timeout)))
end

function take.acquire(T, a, guard, err)
  if not guard then
    return refused(T, a.op, err, a.deadline)
  end
  hold(T, a.object)
  a.object.held = a.object.held - 1
  a.object.it:release()
end

function arm.lock(T, op)
  local mutex = T.world.mutexes[op.mutex]
  if mutex.owner == T then
    return arm.sleep(T, { time = 1 })
  end
  return arm_of("lock", mutex, nil, syscall.acquire(mutex.it))
end

function take.lock(T, a, guard, err)
  if not guard then
    return refused(T, a.op, err, nil, EDEADLK)
  end
  own(T, a.object)
  a.object.owner = nil
  a.object.it:unlock()
end

function arm.wait(T, op)
  local U = target(T, op)
  local by_id = op.by_id or not U.handle
  local a = arm_of("wait", U, deadline_of(op.timeout),
    syscall.wait(name_of(U, by_id), option(op.timeout)))
  a.code = by_id and by_id_code(T, U)
  return a
end

function take.wait(T, a, good, err, more)
  if not good and iserror(err) and err.code == "ETIMEDOUT" then
    refused(T, a.op, err, a.deadline)
  end
  waited(T, a.op, a.object, a.code, good, err, more)
end

function arm.look(T, op)
  local f = T.world.files[op.file]
  local a = arm_of("look", f, now() + op.timeout,
    syscall.wait_io_read(f.reader, op.timeout))
  a.before = files.before(f)
  return a
end

function take.look(T, a, good, err)
  files.looked(T, a.op, a.object, a.before, a.deadline, good, err)
end

local function make_arms(T, op)
  local arms = {}
  for i, inner in ipairs(op.arms) do
    local a = arm[inner[1]](T, inner)
    a.op, arms[i] = inner, a
  end
  return arms
end

function arm.any(T, op)
  local a = { doing = "any", arms = make_arms(T, op) }
  local requests = {}
  for i, inner in ipairs(a.arms) do
    requests[i] = inner.request
  end
  a.request = syscall.any(table.unpack(requests))
  return a
end

-- The losers first: for them, nothing has happened.
local function choose(T, arms, chosen, ...)
  for i, a in ipairs(arms) do
    if i ~= chosen and lose[a.doing] then
      lose[a.doing](T, a)
    end
  end
  local a = arms[chosen]
  if not a then
    return
  end
  note(T.world, T, "any", chosen)
  take[a.doing](T, a, ...)
end

function take.any(T, a, ...)
  choose(T, a.arms, ...)
end

function lose.any(T, a)
  choose(T, a.arms, 0)
end

-- The first arm that is certainly ready before the choice is made, by what the
-- world knows; beyond all of them if none is.
local ready = {}

function ready.sleep(a)
  return a.deadline <= now()
end

function ready.event(a)
  return a.object.set
end

function ready.send(a)
  return a.object.closed
end

function ready.recv(a)
  return a.object.closed or #a.object.it > 0
end

function ready.wait(a)
  return a.code
end

local function first_ready(T, arms)
  if calls.may_be_late(T) then
    return math.huge
  end
  for i, a in ipairs(arms) do
    if ready[a.doing] and ready[a.doing](a) then
      return i
    end
  end
  return math.huge
end

local function chosen(T, arms, first, ok, index, ...)
  if not ok then
    choose(T, arms, 0)
    raised(T, index)
  end
  finish(T, true)
  if index > first then
    violate(T.world, "task %d: arm %d is chosen, and %d was ready", T.index,
      index, first)
  end
  choose(T, arms, index, ...)
end

function run.any(T, op)
  local whole = arm.any(T, op)
  local first = first_ready(T, whole.arms)
  begin(T, "any")
  T.arms = whole.arms
  if op.request then
    return chosen(T, whole.arms, first, pcall(coroutine.yield, whole.request))
  end
  local requests = {}
  for i, a in ipairs(whole.arms) do
    requests[i] = a.request
  end
  return chosen(T, whole.arms, first, pcall(core.any, requests))
end
