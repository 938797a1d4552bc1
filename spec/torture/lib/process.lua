-- Processes that are tortured, and what the system knows of them.

local shell = require "bench.lib.shell"

local process = {}
process.__index = process

local first = -1
while arg[first - 1] do
  first = first - 1
end

---The command that runs this.
---@type string
process.miniloop = arg[first]

local ticks = tonumber(shell.line("getconf CLK_TCK")) -- in a second

---Starts a command in the background; `before` are lines of shell that its
---process runs first ("ulimit -n 24"). To be closed, which ends it.
---@param command string
---@param before string?
function process.start(command, before)
  local pipe = assert(io.popen(("echo $$\n%s\nexec %s"):format(before or "",
    command)))
  return setmetatable({ pipe = pipe, pid = assert(pipe:read("n", "l")) },
    process)
end

---This process, for its figures.
function process.this()
  local pid = assert(shell.read("/proc/self/stat")):match("^%d+")
  return setmetatable({ pid = tonumber(pid) }, process)
end

---The next line that it prints; raises if it has ended.
---@return string
function process:line()
  return (assert(self.pipe:read("l"), "the process has ended"))
end

function process:__close()
  if self.pipe then
    os.execute(("kill -9 %d 2>/dev/null"):format(self.pid))
    self.pipe:close()
    self.pipe = nil
  end
end

local function proc(self, name)
  return shell.read(("/proc/%d/%s"):format(self.pid, name))
end

function process:alive()
  local stat = proc(self, "stat")
  return stat ~= nil and stat:match("%) (%u)") ~= "Z"
end

---Seconds of CPU that it has used, in user and system mode.
---@return number
function process:cpu()
  local user, system = assert(proc(self, "stat"), "the process has ended")
    :match("%) %u" .. (" %S+"):rep(10) .. " (%d+) (%d+)")
  return (user + system) / ticks
end

---KiB of memory of its own that it holds.
---@return integer
function process:memory()
  return math.tointeger(tonumber(
    assert(proc(self, "status")):match("RssAnon:%s+(%d+) kB")))
end

---How many descriptors it has open.
---@return integer
function process:descriptors()
  local good, text = shell.run(("ls /proc/%d/fd | wc -l"):format(self.pid))
  assert(good)
  return math.tointeger(tonumber(text))
end

return process
