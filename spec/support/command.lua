-- Runs the command under test with words of the test's choice, as a person
-- would, and tells what it wrote and how it ended. (For Lua that needs a loop
-- of its own, see child.lua.)

local lfs = require "lfs"
local lu = require "luaunit"

local command = {}

-- Lines of shell before the command: where there is timeout(1), a child that
-- hangs is killed. It is watched from aside, so that signals and the status are
-- the child's own.
local watch = [[
if command -v timeout >/dev/null && tail --pid=1 /dev/null 2>/dev/null; then
  (timeout 60 tail --pid=$$ -f /dev/null || kill -9 $$) >/dev/null 2>&1 &
fi
]]

-- What to put before a command in a shell, so that it starts with no signal
-- ignored: the suite itself may have been started so, as by `&`.
command.default_signals = "$(env --default-signal=INT true 2>/dev/null"
  .. " && echo env --default-signal=INT,TERM,QUIT,PIPE)"

local function quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

function command.path()
  local path = os.getenv("ML_COMMAND")
  local i = -1
  while not path and arg[i] do
    path = not arg[i - 1] and arg[i] or nil
    i = i - 1
  end
  assert(path, "ML_COMMAND must name the command")
  return path:match("^/") and path or lfs.currentdir() .. "/" .. path
end

-- The command with its words, for a shell. A list of words is quoted; `poller`
-- false leaves the poller to the command.
local function line_of(words, options)
  local poller = os.getenv("ML_SPEC_POLLER")
  local line = { quote(options.command or command.path()) }
  if poller and options.poller ~= false then
    line[2] = "--poller=" .. poller
  end
  for _, word in ipairs(words) do
    line[#line + 1] = quote(word)
  end
  return table.concat(line, " ")
end

-- ------------------------------------------------------------------- files

function command.write_file(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

function command.take_file(path)
  local file <close> = assert(io.open(path, "rb"))
  os.remove(path)
  return file:read("a")
end

-- Calls f(path) with a file of this text, which is removed after it.
function command.with_file(text, f)
  local path = os.tmpname()
  local _ <close> = setmetatable({}, {
    __close = function()
      os.remove(path)
    end,
  })
  command.write_file(path, text)
  return f(path)
end

-- --------------------------------------------------------------------- run

local function result_of(how, code, out, err)
  return {
    out = out,
    err = err,
    status = how == "exit" and code or nil,
    signal = how == "signal" and code or nil,
  }
end

-- Runs it to its end. Options:
--   stdin    text for standard input; empty unless given
--   shell    lines of shell to run before, such as "export X=1"
--   poller   false: without the poller of the suite
--   command  another one to run
-- Gives { out =, err =, status =, signal = }.
function command.run(words, options)
  options = options or {}
  local out, err, input = os.tmpname(), os.tmpname(), os.tmpname()
  command.write_file(input, options.stdin or "")
  local _, how, code = os.execute(("%s\n%s\nexec %s <%s >%s 2>%s"):format(
    watch, options.shell or "", line_of(words, options), input, out, err))
  os.remove(input)
  return result_of(how, code, command.take_file(out), command.take_file(err))
end

-- Runs it with a chunk of Lua for -e, and more options of command.run.
function command.eval(chunk, options)
  return command.run({ "-e", chunk }, options)
end

-- Asserts how a run ended and, unless nil, what it wrote.
function command.expect(result, status, out, err)
  local told = ("\n%s\n%s"):format(result.out, result.err)
  lu.assertEquals(result.status or "signal " .. result.signal, status, told)
  if out then
    lu.assertEquals(result.out, out, told)
  end
  if err then
    lu.assertEquals(result.err, err, told)
  end
end

-- ------------------------------------------------------------------- start

local function signals_of(options)
  local ignored = options.ignored
  return ignored and "env --ignore-signal=" .. ignored
    or command.default_signals
end

local process = {}
process.__index = process

-- Starts it, and gives a process:
--   process.pid
--   process:line()        the next line that it writes
--   process:kill("INT")   sends it a signal
--   process:finish()      waits for its end; what command.run gives
-- Close it in any case. The options are those of command.run, but for stdin:
--   input    what redirects it, "</dev/null" unless given
--   ignored  a signal to ignore from the start
function command.start(words, options)
  options = options or {}
  local err = os.tmpname()
  local pipe = assert(io.popen(
    ("echo $$\n%s\n%s\nexec %s %s %s 2>%s"):format(watch,
      options.shell or "", signals_of(options), line_of(words, options),
      options.input or "</dev/null", err)))
  local self = { pipe = pipe, err = err, pid = assert(pipe:read("n", "l")) }
  return setmetatable(self, process)
end

function process:line()
  return self.pipe:read("l")
end

function process:kill(signal)
  assert(os.execute(("kill -%s %d"):format(signal, self.pid)))
end

function process:finish()
  local out = self.pipe:read("a")
  local _, how, code = self.pipe:close()
  self.pipe = nil
  return result_of(how, code, out, command.take_file(self.err))
end

function process:__close()
  if self.pipe then
    self:kill("KILL")
    self:finish()
  end
end

-- -------------------------------------------------------------- a terminal

-- As command.run on a terminal of its own, all that it prints being in `out`.
-- nil where script(1) cannot make one.
function command.on_terminal(words, options)
  options = options or {}
  if not os.execute("script -qec true /dev/null >/dev/null 2>&1") then
    return nil
  end
  local out = os.tmpname()
  local inner = ("%s\nexec %s"):format(options.shell or "",
    line_of(words, options))
  local _, how, code = os.execute(("script -qec %s /dev/null >%s </dev/null")
    :format(quote(inner), out))
  return result_of(how, code, command.take_file(out):gsub("\r\n", "\n"), "")
end

return command
