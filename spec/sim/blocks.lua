-- Blocks of other operations, in random programs.

local core = require "miniloop.core"
local calls = require "spec.sim.calls"
local tasks = require "spec.sim.tasks"
local world = require "spec.sim.world"

local iserror, now = core.iserror, core.now
local note, violate = world.note, world.violate
local is_cancellation, run = calls.is_cancellation, calls.run
local run_body, restore = calls.body, calls.restore
local alive, current_group = tasks.alive, tasks.group

local function enter(T, kind, body)
  table.insert(T.scopes, kind)
  run_body(T, body)
  return true
end

function run.timeout(T, op)
  local scopes, groups = #T.scopes, #T.groups
  local due = now() + op.time
  local good, err = core.timeout(op.time, enter, T, "timeout", op.body)
  restore(T, scopes, groups)
  if not good and (not iserror(err) or err.code ~= "ETIMEDOUT"
      or world.later(due, now())) then
    violate(T.world, "task %d: a timeout until %s gives %s at %s", T.index,
      due, tostring(err), now())
  end
  note(T.world, T, "timeout", good and 1 or 0)
end

function run.shield(T, op)
  local scopes, groups = #T.scopes, #T.groups
  core.shield(enter, T, "shield", op.body)
  restore(T, scopes, groups)
end

-- What is caught is forgotten, unless the run is to stop.
local function caught(T, scopes, groups, ok, err)
  local w = T.world
  restore(T, scopes, groups)
  if w.violation then
    error(w.violation, 0)
  end
  note(w, T, "caught", ok and 1 or 0)
  return ok, err
end

run["try"] = function(T, op)
  local ok, err = caught(T, #T.scopes, #T.groups,
    core.try(run_body, T, op.body))
  if not ok and is_cancellation(T, err) then
    violate(T.world, "task %d: 'try' keeps its cancellation", T.index)
  end
end

function run.pcall(T, op)
  caught(T, #T.scopes, #T.groups, pcall(run_body, T, op.body))
end

function run.fail(T)
  note(T.world, T, "fail", 0)
  error({ task = T.index }, 0)
end

-- Closed when the group has ended, however: nobody of it is alive.
local dissolve = {}

function dissolve.__close(self)
  local group, T = self.group, self.task
  group.over = true
  for _, handle in ipairs(group.members) do
    local state = handle:status()
    if alive[state] or state == "running" then
      violate(T.world, "a group of task %d has ended, and task %d is %s",
        T.index, handle.id, state)
    end
  end
end

function run.group(T, op)
  local group = { members = {}, over = false }
  local scopes, groups = #T.scopes, #T.groups
  local _ <close> = setmetatable({ group = group, task = T }, dissolve)
  local function block(g)
    group.it = g
    table.insert(T.groups, group)
    return enter(T, "group", op.body)
  end
  T.doing, T.object, T.deadline = "group", group, nil
  local good, err = core.group(block)
  T.doing = nil
  T.world.active = T
  restore(T, scopes, groups)
  if not good and (not iserror(err) or err.code ~= "ECANCELED") then
    violate(T.world, "task %d: a group gives %s", T.index, tostring(err))
  end
  note(T.world, T, "group", good and 1 or 0)
end

-- Cancels the group that T is in.
function run.uncrowd(T, op)
  local group = current_group(T)
  if group and group.it then
    group.it:cancel("uncrowd", op.grace and { grace = op.grace } or nil)
    note(T.world, T, "uncrowd", 1)
  end
end

local function generator(T, op)
  return function()
    for i = 1, op.gives do
      run_body(T, op.body)
      coroutine.yield(i)
    end
    return 0
  end
end

local function expect_value(T, op, i, value)
  local wanted = i <= op.gives and i or 0
  if value ~= wanted then
    violate(T.world, "task %d: a generator gives %s, not %d", T.index,
      tostring(value), wanted)
  end
  return value == 0
end

local function resume(T, op, co, i)
  local ok, value = coroutine.resume(co)
  if not ok then
    coroutine.close(co)
    error(value, 0)
  end
  return expect_value(T, op, i, value)
end

function run.generator(T, op)
  local f = generator(T, op)
  if op.wrap then
    f = coroutine.wrap(f)
    for i = 1, op.takes do
      if expect_value(T, op, i, f()) then
        return
      end
    end
    return
  end
  local co = coroutine.create(f)
  for i = 1, op.takes do
    if resume(T, op, co, i) then
      return
    end
  end
  coroutine.close(co)
end

local cleaner = {}

function cleaner.__close(self)
  calls.clean_up(self.task, self.op.clean, self.scopes, self.groups)
end

function run.cleanup(T, op)
  local _ <close> = setmetatable({ task = T, op = op,
    scopes = #T.scopes, groups = #T.groups }, cleaner)
  run_body(T, op.body)
end

function run.again(T, op)
  for _ = 1, op.times do
    run_body(T, op.body)
  end
end

function run.collect()
  collectgarbage()
end
