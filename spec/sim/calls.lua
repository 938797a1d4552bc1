-- What every operation of a random program does around its call: it tells the
-- world what it waits for, and has looked at how the call came back.
--
-- `calls.run` has the operations, by name; the other files add theirs.

local core = require "miniloop.core"
local world = require "spec.sim.world"

local now, iserror = core.now, core.iserror
local same, violate, note = world.same, world.violate, world.note

local run = {}
local calls = { run = run }

-- A program that goes on for longer is cut off.
local STEPS = 3000

-- --------------------------------------------------------- before and after

-- Tells what the task is about to wait for.
local function begin(T, doing, object, deadline)
  T.doing, T.object, T.deadline = doing, object, deadline
  T.began = T.world.steps
  T.world.active = nil
end

local function is_cancellation(T, err)
  return iserror(err) and err.code == "ECANCELED" and err.op == "cancel"
    and err.task == T.id
end

-- False where a task is killed, or a generator of its is closed.
local function suspends(T)
  return not T.closing and coroutine.isyieldable()
end

-- True if the task may have to give way before its next call is attempted: it
-- has made so many in a row that did not wait.
local function may_be_late(T)
  return T.streak >= 90
end

-- The task runs again. An error goes on, once it was looked at: it can only be
-- a cancellation, or that nothing can suspend in a __close of a killed task.
local function finish(T, ok, err)
  local w = T.world
  local doing = T.doing
  T.doing, T.object, T.deadline, T.arms = nil, nil, nil, nil
  T.streak = w.steps == T.began and T.streak + 1 or 0
  w.active = T
  if T.ended then
    violate(w, "task %d runs after its end", T.index)
  elseif ok then
    return
  elseif w.violation then
    error(err, 0)
  elseif is_cancellation(T, err) then
    if T.scopes[#T.scopes] == "shield" then
      violate(w, "a cancellation came through a shield")
    end
    T.heard = T.heard + 1
    note(w, T, doing, 99)
  elseif type(err) ~= "string" or suspends(T) then
    violate(w, "task %d: %s raises %s", T.index, doing, tostring(err))
  end
  error(err, 0)
end

local function raised(T, err)
  finish(T, false, err)
end

local function deadline_of(timeout)
  return timeout and now() + timeout
end

-- An answer of nil and an error: a timeout is neither early nor late.
local function refused(T, op, err, deadline, codes)
  local w = T.world
  if not iserror(err) then
    violate(w, "task %d: %s gives nil and no error", T.index, op[1])
  elseif err.code == "ETIMEDOUT" and op.timeout then
    if not same(now(), deadline) then
      violate(w, "task %d: %s times out at %s, not %s", T.index, op[1], now(),
        deadline)
    end
  elseif not codes or not codes[err.code] then
    violate(w, "task %d: %s gives %s", T.index, op[1], tostring(err))
  end
  note(w, T, op[1], 50)
end

local function option(timeout)
  return timeout or nil
end

-- -------------------------------------------------------------------- bodies

-- What a block that catches errors has entered is left with it.
local function restore(T, scopes, groups)
  for i = #T.scopes, scopes + 1, -1 do
    T.scopes[i] = nil
  end
  for i = #T.groups, groups + 1, -1 do
    T.groups[i] = nil
  end
end

---Runs the operations of a body.
local function run_body(T, body)
  local w = T.world
  for _, op in ipairs(body or {}) do
    if w.violation then
      error(w.violation, 0)
    elseif w.steps > STEPS then
      return
    end
    w.active = T
    run[op[1]](T, op)
    w:step()
  end
end

---Runs a body where a variable is closed. Where nothing can suspend, its calls
---raise that: so the rest is left out.
local function clean_up(T, body, scopes, groups)
  local before = T.closing
  restore(T, scopes, groups)
  T.closing = not suspends(T)
  local ok, err = pcall(run_body, T, body)
  local quietly = T.closing
  T.closing = before
  if T.world.violation then
    error(T.world.violation, 0)
  elseif not ok and not quietly then
    error(err, 0)
  end
end

calls.begin, calls.finish, calls.raised = begin, finish, raised
calls.refused, calls.deadline_of, calls.option = refused, deadline_of, option
calls.suspends, calls.is_cancellation = suspends, is_cancellation
calls.body, calls.may_be_late = run_body, may_be_late
calls.restore, calls.clean_up = restore, clean_up

return calls
