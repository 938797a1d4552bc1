-- Sending and receiving, in random programs.

local core = require "miniloop.core"
local syscall = require "miniloop.syscall"
local calls = require "spec.sim.calls"
local world = require "spec.sim.world"

local iserror, now, perform = core.iserror, core.now, core.perform
local note, violate = world.note, world.violate
local begin, deadline_of, finish = calls.begin, calls.deadline_of, calls.finish
local option, raised, refused = calls.option, calls.raised, calls.refused
local run = calls.run

-- Every value is sent once: its number says what may become of it.
local function offer(T, ch, deadline, chosen)
  local w = T.world
  local v = #w.values + 1
  w.values[v] = { channel = ch, deadline = deadline,
    chosen = chosen or calls.may_be_late(T) }
  return v
end

local function accept(T, v)
  local value = T.world.values[v]
  value.accepted = now()
  note(T.world, T, "send", 1)
end

local function reject(T, v)
  local value = T.world.values[v]
  value.rejected = true
  if value.got then
    violate(T.world, "the value %d was received, and is not sent", v)
  end
end

local EPIPE = { EPIPE = true }
local NONE = {}

local function sent(T, op, ch, v, good, err, deadline)
  if good then
    return accept(T, v)
  end
  reject(T, v)
  refused(T, op, err, deadline, ch.closed and EPIPE or NONE)
end

function run.send(T, op)
  local ch = T.world.channels[op.channel]
  local deadline = deadline_of(op.timeout)
  local v = offer(T, ch, deadline)
  T.value = v
  begin(T, "send", ch, deadline)
  local ok, good, err
  if op.request then
    ok, good, err = pcall(perform, syscall.send(ch.it, v, option(op.timeout)))
  else
    ok, good, err = pcall(ch.it.send, ch.it, v, option(op.timeout))
  end
  if not ok then
    reject(T, v)
    raised(T, good)
  end
  finish(T, true)
  sent(T, op, ch, v, good, err, deadline)
end

-- True if somebody was killed who may have been handed a value: it went back
-- then, and others may have come before it.
local function disturbed(ch)
  for U in pairs(ch.receivers) do
    if U.ended and U.outcome == "killed" then
      return true
    end
  end
  return false
end

-- True if its sender may have lost its place: it was woken by another arm of
-- its choice, or by its timeout, and had to ask again.
local function displaced(value)
  return value.chosen or value.deadline
    and world.same(value.deadline, value.accepted or now())
end

-- What one task receives comes in the order in which it was sent.
local function receive(T, ch, v)
  local w = T.world
  local value = w.values[v]
  if not value or value.channel ~= ch then
    violate(w, "task %d receives %s, which nobody sent", T.index, tostring(v))
  elseif value.got then
    violate(w, "the value %d is received twice", v)
  elseif value.rejected then
    violate(w, "the value %d is received, and was not sent", v)
  end
  local last = T.last[ch] or 0
  if v < last and not displaced(value) and not disturbed(ch) then
    violate(w, "task %d receives %d after %d", T.index, v, last)
  end
  value.got = true
  T.last[ch] = v
  note(w, T, "recv", v)
end

local function received(T, op, ch, v, err, deadline)
  if v ~= nil then
    return receive(T, ch, v)
  elseif ch.closed and not (iserror(err) and err.code == "ETIMEDOUT") then
    if err ~= ch.reason or #ch.it > 0 and not disturbed(ch) then
      violate(T.world, "a closed channel gives nil and %s", tostring(err))
    end
    return note(T.world, T, "recv", 0)
  end
  refused(T, op, err, deadline)
end

function run.recv(T, op)
  local ch = T.world.channels[op.channel]
  local deadline = deadline_of(op.timeout)
  ch.receivers[T] = true
  begin(T, "recv", ch, deadline)
  local ok, v, err
  if op.request then
    ok, v, err = pcall(perform, syscall.recv(ch.it, option(op.timeout)))
  else
    ok, v, err = pcall(ch.it.recv, ch.it, option(op.timeout))
  end
  finish(T, ok, v)
  received(T, op, ch, v, err, deadline)
end

function run.close(T, op)
  local ch = T.world.channels[op.channel]
  if not ch.closed then
    ch.closed = true
    ch.reason = op.reason and "closed" or nil
  end
  ch.it:close(op.reason and "closed" or nil)
  note(T.world, T, "close", op.channel)
end

return { offer = offer, reject = reject, sent = sent, received = received }
