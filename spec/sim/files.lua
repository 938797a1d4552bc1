-- Descriptors that others close, in random programs.
--
-- A file is a pipe, both ends of it Lua files, or a pair of streams. To swap it
-- is to close both ends and to open others in the same turn, which take their
-- numbers. That is announced if somebody waits for them; else it need not be,
-- not even if somebody did so a moment ago, or if a copy keeps the pipe open.

local core = require "miniloop.core"
local calls = require "spec.sim.calls"
local world = require "spec.sim.world"

local net, now = core.net, core.now
local note, violate = world.note, world.violate
local begin, finish = calls.begin, calls.finish
local refused, run = calls.refused, calls.run

local files = {}

-- ------------------------------------------------------------------- pipes
-- A pipe is a named one, opened anew: that costs no process.

local names = {}

local function make_names(n)
  for i = #names + 1, n do
    names[i] = os.tmpname()
    assert(os.remove(names[i]))
    assert(os.execute("mkfifo " .. names[i]))
  end
end

---Removes what the programs have used.
function files.clean()
  for _, name in ipairs(names) do
    os.remove(name)
  end
end

-- One that has both ends closed is used again: it is empty then.
local function free_name(w)
  make_names(1)
  for i = 1, math.huge do
    make_names(i)
    if not w.pipes[i] then
      return i
    end
  end
end

-- Opens a pipe as a whole, for opening one end waits for the other.
local function open_both(w)
  local name = free_name(w)
  return name, assert(io.open(names[name], "r+"))
end

local function open_ends(w, f, name, crossed)
  local path = names[name]
  w.pipes[name], f.name = true, name
  if crossed then
    f.writer = assert(io.open(path, "w"))
  end
  f.reader = assert(io.open(path, "r"))
  f.writer = not crossed and assert(io.open(path, "w")) or f.writer
  f.reader:setvbuf("no")
  f.writer:setvbuf("no")
end

-- The reader has the smaller number, unless they are crossed.
local function open(w, f, name, op)
  f.bytes, f.taken, f.given, f.paired = 0, 0, 0, op.paired
  if not op.paired then
    open_ends(w, f, name, op.crossed)
  elseif op.crossed then
    f.writer, f.reader = assert(net.pair())
  else
    f.reader, f.writer = assert(net.pair())
  end
  if op.paired then
    f.reader:settimeout(9) -- so that nothing hangs
  end
end

local function drop_copy(w, f)
  if f.copy then
    f.copy:close()
    w.pipes[f.copied], f.copy, f.copied = nil, nil, nil
  end
end

---So many of them, at the start of a program.
function files.open(w, n)
  for i = 1, n do
    local name, both = open_both(w)
    w.files[i] = { emptied = 0, turned = 0 }
    open(w, w.files[i], name, { paired = i % 2 == 0 })
    both:close()
  end
end

---All of them, at its end.
function files.close(w)
  for _, f in ipairs(w.files) do
    f.reader:close()
    f.writer:close()
    drop_copy(w, f)
  end
end

-- ------------------------------------------------------------- bytes in them
-- They are numbered, as those of streams.

function run.put(T, op)
  local f = T.world.files[op.file]
  if f.bytes >= 50 then
    return
  elseif f.bytes == 0 then
    f.since = now()
  end
  f.bytes, f.given = f.bytes + 1, f.given + 1
  local write = f.paired and f.writer.writesome or f.writer.write
  local good, err = write(f.writer, string.char(f.given % 251))
  if not good or good == 0 then
    violate(T.world, "task %d: put gives %s", T.index, tostring(err))
  end
  note(T.world, T, "put", op.file)
end

local function taken(T, f, byte, err)
  f.bytes, f.taken = f.bytes - 1, f.taken + 1
  f.emptied = f.emptied + (f.bytes == 0 and 1 or 0)
  if not byte or byte:byte() ~= f.taken % 251 then
    violate(T.world, "task %d takes %s, %s, and not %d", T.index,
      byte and byte:byte() or "nil", tostring(err), f.taken % 251)
  end
end

-- True if a byte that is there is surely for T: the call does not have to give
-- way, and no other reader has his turn.
local function is_first(T, f)
  return not f.paired or calls.suspends(T) and not calls.may_be_late(T)
    and not T.world:anyone(T, "fetch", f)
end

function run.take(T, op)
  local f = T.world.files[op.file]
  if f.bytes == 0 or not is_first(T, f) then
    return
  end
  begin(T, "take")
  local ok, byte, err = pcall(f.reader.read, f.reader, 1)
  finish(T, ok, byte) -- its cancellation may be raised there
  taken(T, f, byte, err)
  note(T.world, T, "take", op.file)
end

-- ----------------------------------------------------------- waiting for them

-- What is known of a file when a wait for it begins.
local function before(f)
  return { turned = f.turned, given = f.given, emptied = f.emptied,
    bytes = f.bytes, began = now() }
end

local EBADF = { EBADF = true }
local NONE = {}

-- True if it was ready for some time before the deadline, until now.
local function was_ready(f, was, deadline)
  return f.turned == was.turned and f.bytes > 0
    and (f.since < deadline or was.bytes > 0 and f.emptied == was.emptied)
    and not was.behind
end

-- True if it has been ready since some time of the wait that is past.
local function is_late(f, was)
  return f.turned == was.turned and f.bytes > 0 and f.since < now()
    and was.began < now()
end

local function looked(T, op, f, was, deadline, good, err)
  local w = T.world
  if good then
    if f.turned == was.turned and was.bytes == 0 and f.given == was.given then
      violate(w, "task %d is told that it can read, and nothing is there",
        T.index)
    elseif is_late(f, was) then
      violate(w, "task %d is told at %s that it can read since %s", T.index,
        now(), f.since)
    end
    return note(w, T, "look", 1)
  elseif err.code == "ETIMEDOUT" and was_ready(f, was, deadline) then
    violate(w, "task %d waits for a file that is ready until its time is up",
      T.index)
  end
  refused(T, op, err, deadline, f.turned ~= was.turned and EBADF or NONE)
end

function run.look(T, op)
  local f = T.world.files[op.file]
  local was, deadline = before(f), now() + op.timeout
  begin(T, "look", f, deadline)
  local ok, good, err = pcall(core.wait_io_read, f.reader, op.timeout)
  finish(T, ok, good)
  looked(T, op, f, was, deadline, good, err)
end

-- Waits for a byte, and takes it.
function run.fetch(T, op)
  local f = T.world.files[op.file]
  if not f.paired then
    return
  end
  local was, deadline = before(f), now() + op.timeout
  was.behind = T.world:anyone(T, "fetch", f) -- who has his turn before
  begin(T, "fetch", f, deadline)
  local ok, byte, err = pcall(f.reader.recv, f.reader, 1, op.timeout)
  finish(T, ok, byte)
  looked(T, op, f, was, deadline, byte, err)
  if byte then
    taken(T, f, byte)
  end
end

-- There is always room to write to.
function run.room(T, op)
  local f = T.world.files[op.file]
  local turned, deadline = f.turned, now() + op.timeout
  begin(T, "room", f, deadline)
  local ok, good, err = pcall(core.wait_io_write, f.writer, op.timeout)
  finish(T, ok, good)
  if not good and (f.turned == turned or err.code ~= "EBADF") then
    violate(T.world, "task %d: a wait for room gives %s", T.index,
      tostring(err))
  end
  note(T.world, T, "room", good and 1 or 0)
end

-- ----------------------------------------------------------------- the swaps

local shut = {}

function shut.bare(file)
  file:close()
end

function shut.forget(file)
  core.forget(file)
  file:close()
end

function shut.close(file)
  core.close(file)
end

local function is_waited_for(w, f)
  return w:anyone(nil, "look", f, "waiting")
    or w:anyone(nil, "room", f, "waiting")
end

-- A stream on the same pipe keeps it from being closed with its number.
local function keep_copy(w, f)
  drop_copy(w, f)
  f.copy, f.copied = assert(net.stream(f.reader)), f.name
end

local function shut_ends(w, f, op)
  local how = op.how == "bare" and is_waited_for(w, f) and "forget" or op.how
  f.turned = f.turned + 1
  if op.copy and not f.paired then
    keep_copy(w, f)
  elseif not f.paired then
    w.pipes[f.name] = nil
  end
  shut[how](f.reader)
  shut[how](f.writer)
end

-- The pipe that comes is held before the ends of the old one are closed: else
-- it would have their numbers, and not its ends.
function run.swap(T, op)
  local w = T.world
  local f = w.files[op.file]
  local name, both = open_both(w)
  shut_ends(w, f, op)
  open(w, f, name, op)
  both:close()
  note(w, T, "swap", op.file)
end

function run.forget(T, op)
  local f = T.world.files[op.file]
  f.turned = f.turned + 1
  core.forget(f.reader)
  core.forget(f.writer)
  note(T.world, T, "forget", op.file)
end

files.before, files.looked = before, looked

return files
