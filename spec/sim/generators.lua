-- Generators that tasks hand to each other, in random programs.
--
-- One that is suspended may be resumed by another task than the last time; what
-- it does between two yields is done by the task that resumes it. It has two
-- variables to be closed, the outer of which has something to do then, and its
-- like inside of it, up to three deep.

local calls = require "spec.sim.calls"
local world = require "spec.sim.world"

local note, violate = world.note, world.violate
local run, run_body = calls.run, calls.body
local restore, clean_up = calls.restore, calls.clean_up
local suspends = calls.suspends

-- ------------------------------------------------------------ its variables

local closer = {}

-- Those of the generators inside of this one come first, and its own in the
-- reverse order. What it has to do is a thing of the task that closes it.
function closer.__close(self)
  local g = self.generator
  local T = g.task
  if g.open ~= self.index then
    violate(g.world, "variable %d of a generator is closed, and %d are open",
      self.index, g.open)
  elseif g.inner and g.inner.busy and g.inner.open > 0 then
    violate(g.world, "a generator is closed before the one inside of it")
  end
  g.open = g.open - 1
  note(g.world, T, "closed", g.open)
  clean_up(T, self.clean, g.scopes, g.groups)
end

local function variable(g, clean)
  g.open = g.open + 1
  return setmetatable({ generator = g, index = g.open, clean = clean }, closer)
end

-- -------------------------------------------------------------- what it does

local new, pull

-- What a resume gives is who resumes.
local function give(g)
  g.count = g.count + 1
  local _, resumer = coroutine.yield(g.count)
  if resumer ~= g.task.index then
    violate(g.world, "a generator is resumed by %d, and sees %s", g.task.index,
      tostring(resumer))
  end
end

local function nest(g, op)
  local inner = new(g.world, op)
  g.inner = inner
  while pull(g.task, inner) do
    give(g)
  end
  g.inner = nil
end

local function work(g)
  for _, op in ipairs(g.op.body) do
    if op[1] == "give" then
      give(g)
    elseif op[1] == "nest" then
      nest(g, op)
    else
      run_body(g.task, { op })
    end
  end
end

local function work_caught(g)
  local ok, err = pcall(work, g)
  if g.world.violation then
    error(g.world.violation, 0)
  end
  restore(g.task, g.scopes, g.groups)
  note(g.world, g.task, "caught", ok and 1 or 0)
  return ok, err
end

local function main_of(g, resumer)
  local _ <close> = variable(g, g.op.clean)
  local _ <close> = variable(g)
  if resumer ~= g.task.index then
    violate(g.world, "a generator starts with %s", tostring(resumer))
  end
  if g.op.caught then
    work_caught(g)
  else
    work(g)
  end
  return 0
end

function new(w, op)
  local make = op.wrap and coroutine.wrap or coroutine.create
  return { world = w, op = op, it = make(main_of), count = 0, open = 0,
    busy = false, dead = false }
end

-- ----------------------------------------------------------------- resuming

-- As coroutine.resume does, with the generator and who resumes it.
local function resume(T, g)
  if g.op.wrap then
    return pcall(g.it, g, T.index)
  end
  return coroutine.resume(g.it, g, T.index)
end

local function enter(T, g)
  g.task, g.busy = T, true
  g.scopes, g.groups = #T.scopes, #T.groups
  table.insert(T.inside, g)
end

local function leave(T, g)
  g.busy = false
  table.remove(T.inside)
  T.world.active = T
  restore(T, g.scopes, g.groups)
end

-- Its variables are closed when an error ends it, before its resumer goes on.
local function died(T, g, err)
  local w = T.world
  g.dead = true
  if w.violation then
    error(w.violation, 0)
  elseif g.open ~= 0 then
    violate(w, "task %d: a generator has died, and %d variables are open",
      T.index, g.open)
  end
  note(w, T, "died", 0)
  error(err, 0)
end

-- What it gave is the next number, or 0 at its end.
local function expect(T, g, value, more)
  if value ~= 0 and value ~= g.count or more ~= nil then
    violate(T.world, "task %d: a generator gives %s, not %d", T.index,
      tostring(value), g.count)
  end
  g.dead = value == 0
  if g.open ~= (g.dead and 0 or 2) then
    violate(T.world, "task %d: a generator gives %d, %d variables being open",
      T.index, value, g.open)
  end
end

-- Resumes one that is suspended: true if it gave something.
function pull(T, g)
  enter(T, g)
  local ok, value, more = resume(T, g)
  if not ok and not suspends(T) and not g.op.wrap then
    coroutine.close(g.it) -- there it is left to that, as in Lua
  end
  leave(T, g)
  if T.ended then
    violate(T.world, "task %d goes on after its end", T.index)
  elseif not ok then
    died(T, g, value)
  end
  expect(T, g, value, more)
  return not g.dead
end

local function is_over(g)
  return not g.op.wrap and coroutine.status(g.it) == "dead"
end

-- One that some task is inside of, or that is dead, can be neither resumed nor
-- closed; with the task that is inside, it dies.
local function refuse(T, g)
  g.dead = g.dead or g.task.ended
  if resume(T, g) then
    violate(T.world, "task %d resumes a generator that is not suspended",
      T.index)
  elseif not is_over(g) and not g.op.wrap
      and (g.dead or pcall(coroutine.close, g.it)) then
    violate(T.world, "task %d finds a generator neither dead nor busy", T.index)
  end
  note(T.world, T, "refused", 0)
end

local function is_suspended(g)
  return not g.busy and not g.dead
end

-- The runtime makes less of one that is in more than 32 others, as the manual
-- says, and where nothing can suspend the C stack has an end.
local DEPTH = 12

function run.pass(T, op)
  local w = T.world
  if #T.inside > DEPTH then
    return
  end
  local g = new(w, op)
  w.generators[op.generator] = g
  note(w, T, "pass", op.generator)
  for _ = 1, op.takes do
    if not is_suspended(g) or not pull(T, g) then
      return
    end
  end
end

-- A dead one is made anew.
function run.pull(T, op)
  local w = T.world
  local g = w.generators[op.generator]
  if not g or #T.inside > DEPTH then
    return
  elseif not is_suspended(g) then
    refuse(T, g)
    if not g.dead then
      return
    end
    g = new(w, g.op)
    w.generators[op.generator] = g
  end
  note(w, T, "pull", pull(T, g) and 1 or 0)
end

function run.dispose(T, op)
  local g = T.world.generators[op.generator]
  if not g or g.op.wrap then
    return
  elseif not is_suspended(g) then
    return refuse(T, g)
  end
  enter(T, g)
  coroutine.close(g.it)
  leave(T, g)
  g.dead = true
  if T.world.violation then
    error(T.world.violation, 0)
  elseif g.open ~= 0 then
    violate(T.world, "task %d has closed a generator, %d variables being open",
      T.index, g.open)
  end
  note(T.world, T, "dispose", 1)
end

-- Where shrinking has taken them out of their generator.
function run.give() end

function run.nest() end
