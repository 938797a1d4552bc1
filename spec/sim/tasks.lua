-- Tasks that spawn, await and end each other, in random programs.

local core = require "miniloop.core"
local syscall = require "miniloop.syscall"
local calls = require "spec.sim.calls"
local world = require "spec.sim.world"

local iserror = core.iserror
local note, status, violate = world.note, world.status, world.violate
local begin, deadline_of, finish = calls.begin, calls.deadline_of, calls.finish
local is_cancellation, option = calls.is_cancellation, calls.option
local raised, refused, run = calls.raised, calls.refused, calls.run
local run_body, suspends = calls.body, calls.suspends

-- More than that are not spawned.
local TASKS = 40

local function main_of(T)
  local w = T.world
  T.started, T.id = true, core.id()
  w.active = T
  if T.over then
    violate(w, "task %d runs, and was killed before", T.index)
  end
  if not T.bare then
    T.handle = core.self()
  end
  local _ <close> = w:ender(T)
  run_body(T, T.body)
  T.outcome = "done"
  return T.index, -T.index
end

-- A record of a new task.
local function task_new(w, body, bare, group)
  local T = { world = w, index = #w.tasks + 1, body = body, bare = bare,
    group = group, streak = 0, heard = 0, scopes = {}, groups = {},
    inside = {}, last = {} }
  w.tasks[T.index] = T
  return T
end

-- The group that a task of T's starts in: the innermost block, or T's own. One
-- that is being killed has left its blocks.
local function current_group(T)
  if T.closing and status(T) == "cancelled" then
    return T.group
  end
  return T.groups[#T.groups] or T.group
end

local spawn = {}

function spawn.spawn(T, U)
  U.group = current_group(T)
  return core.spawn(main_of, U)
end

function spawn.detach(_, U)
  return core.detach(main_of, U)
end

function spawn.new(_, U)
  return nil, core.new(main_of, U)
end

function spawn.member(T, U)
  U.group = current_group(T)
  return U.group.it:spawn(main_of, U)
end

-- Of one that has no handle it is not known whether it is being killed.
local function may_spawn(T, how)
  local group = current_group(T)
  return #T.world.tasks < TASKS and not (T.closing and T.bare)
    and (how ~= "member" or group and not group.over)
end

function run.spawn(T, op)
  local w = T.world
  if not may_spawn(T, op.how) then
    return
  end
  local U = task_new(w, op.body, op.bare)
  local handle, id = spawn[op.how](T, U)
  U.id = handle and handle.id or id
  U.handle = not op.bare and handle or nil
  if U.group then
    table.insert(U.group.members, handle)
  end
  note(w, T, "spawn", U.index)
end

local function target(T, op)
  local tasks = T.world.tasks
  return tasks[op.task % #tasks + 1]
end

-- How T names it: by id, if it is to or has no handle.
local function name_of(U, by_id)
  return not by_id and U.handle or U.id
end

-- What a call by id must say: seniority, then whether it lives.
local function by_id_code(T, U)
  if U.id <= T.id then
    return "EPERM"
  elseif U.over then
    return "ESRCH"
  end
  return nil
end

local alive = { ready = true, waiting = true }

-- True if the call by id may find that the task has ended: one that has not
-- run, and was killed, tells nobody.
local function is_gone(U, err)
  if iserror(err) and err.code == "ESRCH"
      and (not U.handle or not alive[status(U)]) then
    U.over = true
    return true
  end
  return false
end

local function expect_code(T, op, err, code)
  if not iserror(err) or err.code ~= code then
    violate(T.world, "task %d: %s gives %s, not %s", T.index, op[1],
      tostring(err), code)
  end
  note(T.world, T, op[1], #code)
end

-- What `wait` says must be how the task ended.
local function ended_well(T, op, U, index, sum)
  if U.outcome ~= "done" or index ~= U.index or sum ~= -U.index then
    violate(T.world, "task %d sees that task %d returned %s: it %s", T.index,
      U.index, tostring(index), tostring(U.outcome))
  end
  note(T.world, T, op[1], 1)
end

local function ended_badly(T, op, U, err)
  local w = T.world
  if err.code == "EFAILED" then
    if U.outcome ~= "raised" or not rawequal(err.value, U.err) then
      violate(w, "task %d sees that task %d failed: it %s", T.index, U.index,
        tostring(U.outcome))
    end
  elseif U.outcome == "done" and not U.doomed then
    violate(w, "task %d sees %s of task %d, which is done", T.index,
      tostring(err), U.index)
  elseif not U.told and not U.group and not w.orphaned then
    violate(w, "task %d sees that task %d was cancelled: by nobody", T.index,
      U.index)
  end
  note(w, T, op[1], 2)
end

local ends = { EFAILED = true, ECANCELED = true }
local unknown = { ETIMEDOUT = true, EDEADLK = true }

local function waited(T, op, U, code, good, a, b)
  if code then
    return expect_code(T, op, a, code)
  elseif good then
    U.over = true
    return ended_well(T, op, U, a, b)
  elseif ends[a.code] then
    U.over = true
    return ended_badly(T, op, U, a)
  elseif not unknown[a.code] and not is_gone(U, a) then
    violate(T.world, "task %d: wait for task %d gives %s", T.index, U.index,
      tostring(a))
  end
  note(T.world, T, op[1], 3)
end

function run.wait(T, op)
  local U = target(T, op)
  local by_id = op.by_id or not U.handle
  local name, code = name_of(U, by_id), by_id and by_id_code(T, U)
  local deadline = deadline_of(op.timeout)
  begin(T, "wait", U, deadline)
  local ok, good, a, b
  if op.request then
    ok, good, a, b = pcall(coroutine.yield,
      syscall.wait(name, option(op.timeout)))
  else
    ok, good, a, b = pcall(core.wait, name, option(op.timeout))
  end
  finish(T, ok, good)
  if not good and iserror(a) and a.code == "ETIMEDOUT" then
    refused(T, op, a, deadline)
  end
  waited(T, op, U, code, good, a, b)
end

-- True if what a join raised is for T itself to hear.
local function is_own(T, U, err)
  return is_cancellation(T, err) and not (U.ended and err == U.err)
    or type(err) == "string" and not suspends(T)
end

-- A join raises what its task raised, or why there is nothing of it.
local function join_raised(T, U, err)
  if is_own(T, U, err) then
    raised(T, err)
  end
  finish(T, true)
  if not (U.outcome == "raised" and rawequal(err, U.err))
      and (not iserror(err) or err.code ~= "ECANCELED"
      and err.code ~= "EDEADLK") then
    violate(T.world, "task %d: join raises %s", T.index, tostring(err))
  end
  note(T.world, T, "join", 2)
end

function run.join(T, op)
  local U = target(T, op)
  if not U.handle then
    return
  end
  begin(T, "wait", U)
  local ok, a, b = pcall(U.handle.join, U.handle)
  if not ok then
    return join_raised(T, U, a)
  end
  finish(T, true)
  ended_well(T, op, U, a, b)
end

-- True if the task was told that it is to end, by whatever can be seen here.
local function tell(U)
  local before = U.told
  U.told = true
  return before
end

-- A value of one that is killed while it surely waits stays unsent.
local function unsend(T, U)
  if U.doing == "send" and U.handle and status(U) == "waiting" then
    T.world.values[U.value].rejected = true
  end
end

local function killed(T, op, U, good, err, code)
  local w = T.world
  w.active = T
  if code then
    return expect_code(T, op, err, code)
  elseif not good then
    if not is_gone(U, err) then
      violate(w, "task %d: kill of task %d gives %s", T.index, U.index,
        tostring(err))
    end
    return note(w, T, "kill", 0)
  elseif not suspends(T) then
    T.doomed = true -- perhaps: as U, or as a member of a group of U's
  elseif U == T then
    violate(w, "task %d goes on after it killed itself", T.index)
  end
  if U ~= T and U.handle and alive[status(U)] then
    violate(w, "task %d is %s after its kill", U.index, status(U))
  end
  note(w, T, "kill", 1)
end

function run.kill(T, op)
  local U = target(T, op)
  local by_id = op.by_id or not U.handle
  local code = by_id and by_id_code(T, U)
  local before = tell(U)
  if code then
    U.told = before
  else
    unsend(T, U)
  end
  T.world.active = T
  local good, err = core.kill(name_of(U, by_id))
  killed(T, op, U, good, err, code)
end

function run.cancel(T, op)
  local U = target(T, op)
  local by_id = op.by_id or not U.handle
  local code = by_id and by_id_code(T, U)
  local before = tell(U)
  T.world.active = T
  local good, err = core.cancel(name_of(U, by_id), "asked")
  T.world.active = T
  if code then
    U.told = before
    return expect_code(T, op, err, code)
  elseif not good and not is_gone(U, err) then
    violate(T.world, "task %d: cancel gives %s", T.index, tostring(err))
  end
  note(T.world, T, "cancel", good and 1 or 0)
end

return {
  main = main_of, new = task_new, target = target, name_of = name_of,
  by_id_code = by_id_code, waited = waited, group = current_group,
  alive = alive,
}
