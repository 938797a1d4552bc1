-- Runs a shell's words under limits, beside the other tasks. What hangs is
-- found by what it does, not by the time that it takes: so a machine that has
-- much else to do fails nothing.

local lfs = require "lfs"
local ml = require "miniloop"
local syscall = require "miniloop.syscall"

local process = {}

-- A session that does nothing for so long hangs, and so does one that only
-- wakes up now and then. (What waits in the specs waits for less than two
-- seconds.)
local IDLE_LIMIT = 5
local DROWSY_LIMIT = 40
local LOOK_EVERY = 0.5
local LITTLE = 100 -- ticks of CPU

local MEMORY = 4 * 1024 * 1024 -- kB, of addresses
local FILE_SIZE = 400 * 1024 -- blocks of 512 bytes

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

process.quote = quote

-- The state and the used time of a process of the session, or nil. (Of a
-- session, not of a group: timeout(1) makes a group of its own.)
local function activity(pid, session)
  local file <close> = io.open("/proc/" .. pid .. "/stat", "r")
  local line = file and file:read("a")
  if not line then
    return nil
  end
  local state, sid, rest = line:match("%) (%a) %d+ %d+ (%d+) (.*)")
  if sid ~= session then
    return nil
  end
  local user, system = rest:match(
    "^%-?%d+ %-?%d+ %d+ %d+ %d+ %d+ %d+ (%d+) (%d+)")
  return state, user + system
end

-- The processes of a session, whether one of them runs, and the time that they
-- have used.
local function look(session)
  local pids, runs, used = {}, false, 0
  for name in lfs.dir("/proc") do
    local state, time
    if name:find("^%d+$") then
      state, time = activity(name, session)
    end
    if state then
      pids[#pids + 1] = name
      runs = runs or state == "R" or state == "D"
      used = used + time
    end
  end
  return pids, runs, used
end

local function kill_all(session)
  local pids = look(session)
  if #pids > 0 then
    os.execute("kill -9 " .. table.concat(pids, " ") .. " 2>/dev/null")
  end
end

-- Whether there was more to see than `least` ticks since the mark, which is
-- then set anew; or else whether that was not so long ago.
local function moves(mark, runs, used, least, limit)
  if runs or used - mark.used >= least then
    mark.used, mark.time = used, ml.now()
  end
  return ml.now() - mark.time <= limit
end

-- Waits until the process has something to say, its end; true if it was ended
-- because nothing of it moved.
local function watch(pipe, session)
  local idle = { used = 0, time = ml.now() }
  local drowsy = { used = 0, time = ml.now() }
  while not ml.perform(syscall.wait_io_read(pipe, LOOK_EVERY)) do
    local _, runs, used = look(session)
    local lives = moves(idle, runs, used, 1, IDLE_LIMIT)
    if not moves(drowsy, runs, used, LITTLE, DROWSY_LIMIT) or not lives then
      kill_all(session)
      return true
    end
  end
  return false
end

-- The seconds in what `times` of the shell prints of its children.
local function seconds_of(times)
  local sum, last = 0, times:match("\n([^\n]*)\n*$")
  for minutes, seconds in last:gmatch("(%d+)m([%d.]+)s") do
    sum = sum + minutes * 60 + seconds
  end
  return sum
end

---Runs `words` by a shell.
---@param words string
---@param options { log: string, cpu: integer, vast?: boolean } where its output
---  goes, the seconds that each of its processes may compute, and whether one
---  may have all addresses that it asks for
---@return { status?: integer, hung: boolean, seconds: number } result  the
---  status is nil if it was ended for doing nothing
function process.run(words, options)
  local script = ("echo $$; ulimit -t %d; ulimit -v %s; ulimit -f %d; "
    .. "(%s\n) >%s 2>&1 </dev/null; echo $?; times"):format(options.cpu,
    options.vast and "unlimited" or MEMORY, FILE_SIZE, words,
    quote(options.log))
  local pipe <close> = assert(io.popen(
    "exec nice -n 10 setsid sh -c " .. quote(script) .. " 2>/dev/null"))
  local session = pipe:read("l")
  local _ <close> = setmetatable({}, {
    __close = function()
      kill_all(session)
    end,
  })
  local hung = watch(pipe, session)
  local status, times = pipe:read("a"):match("^(%d+)(.*)$")
  return {
    status = math.tointeger(status), hung = hung,
    seconds = times and seconds_of(times) or 0,
  }
end

return process
