-- Runs Lua in a miniloop of its own, for what a test cannot do to the loop that
-- it runs in: a virtual clock, a deadlock, a failure nobody takes, a status.
--
--   local result = child.run(function() print(ml.id()) end)
--
-- The child is given the source text of the function, at the lines where it
-- stands, so errors and tracebacks of the child name places in the spec file.
-- It may use locals of the file that are modules, plain values, or functions
-- of which the same is true.

local lu = require "luaunit"

local child = {}

-- ------------------------------------------------- a function as source text

local function file_lines(path)
  local lines = {}
  for line in io.lines(path) do
    lines[#lines + 1] = line
  end
  return lines
end

-- The ends of a text at which its function might end, the shortest first.
local function each_end(text, first)
  local at = first
  return function()
    local _, stop = text:find("%f[%w_]end%f[^%w_]", at)
    at = stop and stop + 1
    return stop
  end
end

-- The text of the function, from `function` to the `end` that fits, as an
-- expression at its own line. The last fit on the first line wins: it stands
-- innermost.
local function expression(f)
  local info = debug.getinfo(f, "S")
  local path = assert(info.source:match("^@(.*)"), "a function of a file")
  local text = table.concat(file_lines(path), "\n", info.linedefined,
    info.lastlinedefined)
  local last = #text - #text:match("[^\n]*$")
  local found
  for start in text:match("^[^\n]*"):gmatch("()%f[%w_]function%f[^%w_]") do
    for stop in each_end(text, math.max(last, start)) do
      local candidate = "return " .. text:sub(start, stop)
      -- A named function, as in `local function f()`, is one without its name.
      candidate = candidate:gsub("^(return function)%s+[%w_.]+", "%1")
      if load(candidate) then
        found = ("\n"):rep(info.linedefined - 1) .. candidate
        break
      end
    end
  end
  return assert(found, "a function whose text can be found"), info.source
end

-- ---------------------------------------------------------------- the script

local function module_of(value)
  for name, module in pairs(package.loaded) do
    if rawequal(module, value) then
      return name
    end
  end
  return nil
end

local import_function

-- The value as an expression of the child's script, whose lines go to `script`.
local function import(script, value, name)
  local kind = type(value)
  local module = module_of(value)
  if module then
    return ("require %q"):format(module)
  elseif kind == "function" then
    return import_function(script, value)
  elseif kind == "table" or kind == "userdata" or kind == "thread" then
    error(("a child cannot be given the %s '%s'"):format(kind, name), 0)
  end
  return ("%q"):format(value)
end

-- Adds a line that makes the function; the name of the variable that has it.
function import_function(script, f)
  local text, source = expression(f)
  local names, values = {}, {}
  for i = 1, math.huge do
    local name, value = debug.getupvalue(f, i)
    if not name then
      break
    elseif rawequal(value, f) then -- it calls itself
      text = ("local %s %s return %s"):format(name,
        text:gsub("return", name .. " =", 1), name)
    elseif name ~= "_ENV" then
      names[#names + 1] = name
      values[#values + 1] = ", " .. import(script, value, name)
    end
  end
  if #names > 0 then
    text = "local " .. table.concat(names, ", ") .. " = ... " .. text
  end
  local variable = "f" .. #script
  script[#script + 1] = ("local %s = make(%q, %q%s)"):format(variable, text,
    source, table.concat(values))
  return variable
end

local function script_of(f, cpath)
  local script = {
    ("package.path = %q"):format(package.path),
    ("package.cpath = %q"):format(cpath .. package.cpath),
    "local function make(text, name, ...) "
      .. "return assert(load(text, name, 't'))(...) end",
  }
  local main = import_function(script, f)
  script[#script + 1] = ("%s(...)"):format(main)
  return table.concat(script, "\n") .. "\n"
end

-- --------------------------------------------------------------- the process

local function quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

-- The command that this process is, and the poller that it was told to use.
-- Those who run the suite by hand need not set the variables.
local function this_command()
  local command = os.getenv("ML_COMMAND")
  local poller = os.getenv("ML_SPEC_POLLER")
  local i = -1
  while arg[i] do
    if arg[i - 1] then
      poller = poller or arg[i]:match("^%-%-poller=(.*)")
    else
      command = command or arg[i]
    end
    i = i - 1
  end
  return assert(command, "ML_COMMAND must name the command"), poller
end

local function miniloop_words(options)
  local command, poller = this_command()
  poller = options.poller or poller
  return table.concat({
    quote(command),
    poller and "--poller=" .. poller or "",
    options.virtual and "--virtual-time" or "",
    options.options or "",
  }, " ")
end

-- A sanitizer that the module was built with must be there from the start.
local function preload()
  local library = os.getenv("ML_PRELOAD")
  local maps = not library and io.open("/proc/self/maps")
  if maps then
    library = maps:read("a"):match("(/%S*libasan%S*)")
    maps:close()
  end
  return library and library ~= "" and "env LD_PRELOAD=" .. quote(library) or ""
end

local function stock_words()
  return preload() .. " $(command -v lua5.4 || command -v lua)"
end

local function module_path()
  local build = os.getenv("ML_BUILD") or this_command():match("^(.*)/") or "."
  return build .. "/module/?.so;"
end

local function command_line(path, options)
  local words = { options.stock and stock_words() or miniloop_words(options) }
  for _, word in ipairs { path, table.unpack(options.args or {}) } do
    words[#words + 1] = quote(word)
  end
  return table.concat(words, " ")
end

-- A child that hangs must not hang the suite: where there is a timeout(1).
local shell_line = [[
%s
limit=$(command -v timeout) && limit="$limit -k 1 120"
exec $limit %s >%s 2>%s </dev/null]]

local function write_file(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

local function take_file(path)
  local file <close> = assert(io.open(path))
  os.remove(path)
  return file:read("a")
end

-- Runs the function as the main task of a new process. Options:
--   virtual   on the virtual clock
--   poller    its poller; the suite's unless given
--   options   further options of the command, as text
--   args      a list of arguments
--   shell     a line of shell to run before, such as "ulimit -n 64"
--   stock     by the stock interpreter, which loads miniloop as a module
-- Gives { out =, err =, status =, signal = }: what it wrote, and its exit
-- status or the signal that ended it.
function child.run(f, options)
  options = options or {}
  local path, out, err = os.tmpname(), os.tmpname(), os.tmpname()
  write_file(path, script_of(f, options.stock and module_path() or ""))
  local _, how, code = os.execute(shell_line:format(options.shell or "",
    command_line(path, options), out, err))
  os.remove(path)
  return {
    out = take_file(out),
    err = take_file(err),
    status = how == "exit" and code or nil,
    signal = how == "signal" and code or nil,
  }
end

-- As child.run, and the child must end well and say nothing on standard error:
-- so assertions in it count.
function child.passes(f, options)
  local result = child.run(f, options)
  lu.assertEquals(result.err, "")
  lu.assertEquals(result.status or "signal " .. result.signal, 0)
  return result
end

-- As child.passes, on the virtual clock.
function child.in_virtual_time(f)
  return child.passes(f, { virtual = true })
end

return child
