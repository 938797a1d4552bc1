-- Runs a shell's words under limits, beside the other tasks. What hangs is
-- found by what it does, not by the time that it takes: so a machine that has
-- much else to do fails nothing.

local lfs = require "lfs"
local ml = require "miniloop"
local syscall = require "miniloop.syscall"

local process = {}

-- A group of processes that does nothing for so long hangs. (What waits in the
-- specs waits for less than two seconds.)
local IDLE_LIMIT = 5
local LOOK_EVERY = 0.5

local MEMORY = 4 * 1024 * 1024 -- kB, of addresses
local FILE_SIZE = 400 * 1024 -- blocks of 512 bytes

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

process.quote = quote

local function kill_group(group)
  os.execute("kill -9 -" .. group .. " 2>/dev/null")
end

-- The state and the used time of a process of the group, or nil.
local function activity(name, group)
  local file <close> = io.open("/proc/" .. name .. "/stat", "r")
  local line = file and file:read("a")
  if not line then
    return nil
  end
  local state, pgrp, rest = line:match("%) (%a) %-?%d+ (%d+) (.*)")
  if pgrp ~= group then
    return nil
  end
  local user, system = rest:match(
    "^%-?%d+ %-?%d+ %-?%d+ %d+ %d+ %d+ %d+ %d+ (%d+) (%d+)")
  return state, user + system
end

-- Whether anything of the group runs, and the time that it has used.
local function group_activity(group)
  local runs, used = false, 0
  for name in lfs.dir("/proc") do
    if name:find("^%d+$") then
      local state, time = activity(name, group)
      runs = runs or state == "R" or state == "D"
      used = used + (time or 0)
    end
  end
  return runs, used
end

-- Waits until the process has something to say, its end; true if it was ended
-- because nothing of it moved.
local function watch(pipe, group)
  local last, since = -1, ml.now()
  while not ml.perform(syscall.wait_io_read(pipe, LOOK_EVERY)) do
    local runs, used = group_activity(group)
    if runs or used ~= last then
      last, since = used, ml.now()
    elseif ml.now() - since > IDLE_LIMIT then
      kill_group(group)
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
---@param options { log: string, cpu: integer } where its output goes, and the
---  seconds that each of its processes may compute
---@return { status?: integer, hung: boolean, seconds: number } result  the
---  status is nil if it was ended for doing nothing
function process.run(words, options)
  local script = ("echo $$; ulimit -t %d; ulimit -v %d; ulimit -f %d; "
    .. "(%s\n) >%s 2>&1 </dev/null; echo $?; times"):format(options.cpu,
    MEMORY, FILE_SIZE, words, quote(options.log))
  local pipe <close> = assert(io.popen(
    "exec nice -n 10 setsid sh -c " .. quote(script) .. " 2>/dev/null"))
  local group = pipe:read("l")
  local _ <close> = setmetatable({}, {
    __close = function()
      kill_group(group)
    end,
  })
  local hung = watch(pipe, group)
  local status, times = pipe:read("a"):match("^(%d+)(.*)$")
  return {
    status = math.tointeger(status), hung = hung,
    seconds = times and seconds_of(times) or 0,
  }
end

return process
