-- Mutexes and semaphores, in random programs.

local core = require "miniloop.core"
local syscall = require "miniloop.syscall"
local calls = require "spec.sim.calls"
local world = require "spec.sim.world"

local perform = core.perform
local note, violate = world.note, world.violate
local begin, deadline_of, finish = calls.begin, calls.deadline_of, calls.finish
local option, refused, run = calls.option, calls.refused, calls.run
local run_body = calls.body

-- Closed before the guard of the runtime is: the world hears of it first.
local unlock = {}

function unlock.__close(self)
  if self.mutex.owner == self.task then
    self.mutex.owner = nil
  end
end

local EDEADLK = { EDEADLK = true }

local function own(T, mutex)
  local owner = mutex.owner
  if owner ~= nil then
    violate(T.world, "task %d locks a mutex that task %d has", T.index,
      owner.index)
  end
  mutex.owner = T
end

local function locked(T, op, mutex)
  local _ <close> = mutex.it
  own(T, mutex)
  local _ <close> = setmetatable({ task = T, mutex = mutex }, unlock)
  note(T.world, T, "lock", op.mutex)
  run_body(T, op.body)
end

function run.lock(T, op)
  local mutex = T.world.mutexes[op.mutex]
  if mutex.owner == T then
    return
  end
  begin(T, "lock", mutex)
  local ok, guard, err
  if op.request then
    ok, guard, err = pcall(coroutine.yield, syscall.acquire(mutex.it))
  else
    ok, guard, err = pcall(mutex.it.lock, mutex.it)
  end
  finish(T, ok, guard)
  if guard then
    return locked(T, op, mutex)
  end
  refused(T, op, err, nil, EDEADLK)
end

function run.trylock(T, op)
  local w = T.world
  local mutex = w.mutexes[op.mutex]
  if mutex.it:trylock() then
    return locked(T, op, mutex)
  elseif mutex.owner == nil and not w:anyone(T, "lock", mutex)
      and not w:anyone(T, "relock", mutex) then
    violate(w, "a mutex that nobody has cannot be locked")
  end
end

local release = {}

function release.__close(self)
  self.semaphore.held = self.semaphore.held - 1
end

local function hold(T, semaphore)
  semaphore.held = semaphore.held + 1
  if semaphore.held > semaphore.places then
    violate(T.world, "a semaphore of %d is held by %d", semaphore.places,
      semaphore.held)
  end
end

local function acquired(T, op, semaphore)
  local _ <close> = semaphore.it
  hold(T, semaphore)
  local _ <close> = setmetatable({ semaphore = semaphore }, release)
  note(T.world, T, "acquire", op.semaphore)
  run_body(T, op.body)
end

function run.acquire(T, op)
  local semaphore = T.world.semaphores[op.semaphore]
  local deadline = deadline_of(op.timeout)
  begin(T, "acquire", semaphore, deadline)
  local ok, guard, err
  if op.request then
    ok, guard, err = pcall(perform,
      syscall.acquire(semaphore.it, option(op.timeout)))
  else
    ok, guard, err = pcall(semaphore.it.acquire, semaphore.it,
      option(op.timeout))
  end
  finish(T, ok, guard)
  if guard then
    return acquired(T, op, semaphore)
  end
  refused(T, op, err, deadline)
end

return { own = own, hold = hold, EDEADLK = EDEADLK }
