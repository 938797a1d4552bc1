-- Runs whole commands in which calls fail from the first one on, and judges how
-- they ended: what sweep.lua does for spec cases. The cases are below.
--
-- The verdicts are those of sweep.lua. A command is right if its output and
-- status are what they are without failures, and clean if its status says that
-- it failed and its output why.

local fault = require "fault"
local forked = require "forked"
local sweep = require "spec.torture.sweep"

local commands = {}

local ENOMEM = 12

-- The command that this process is: the first of its words.
local function this_command()
  local i = -1
  while arg[i - 1] do
    i = i - 1
  end
  return arg[i]
end

commands.path = this_command()

local server = [[
local http = require "miniloop.http"
local server <close> = assert(http.serve("127.0.0.1:0", {
  ["GET /"] = function(req) return "hello " .. (req.query.name or "you") end,
}))
local ml = require "miniloop"
ml.group(function(g)
  for i = 1, 8 do
    g:spawn(function()
      local res <close> = assert(http.get(("http://%s/?name=%d")
        :format(server:address(), i)))
      assert(res:text() == "hello " .. i)
    end)
  end
end)
print "served"
]]

local tasks = [[
local ml = require "miniloop"
local ch = ml.channel()
local adder = ml.spawn(function()
  local sum, n = 0, ch:recv()
  while n do
    sum, n = sum + n, ch:recv()
  end
  return sum
end)
ml.group(function(g)
  for i = 1, 3 do g:spawn(function() ml.sleep(0.001 * i) ch:send(i) end) end
end)
ch:close()
print(adder:join())
]]

-- name, words, and what it reads
commands.cases = {
  { "version", { "--version" } },
  { "help", { "--help" } },
  { "wrong_option", { "--no-such-option" } },
  { "no_file", { "/no/such/file.lua" } },
  { "syntax_error", { "-e", "x = = 1" } },
  { "print", { "-e", "print(...)" } },
  { "module", { "-l", "miniloop.json", "-e", "print(json.encode{1})" } },
  { "standard_input", { "-", "a", "b" }, "print(...) print(#arg)" },
  { "error", { "-e", "error 'it is broken'" } },
  { "error_of_a_task", { "-e", "require'miniloop'.spawn(error, 'so')" } },
  { "deadlock", { "-e", "local ml = require 'miniloop' ml.channel():recv()" } },
  { "timeout", { "--timeout=0.001", "-e", "require'miniloop'.sleep(9)" } },
  { "exit", { "-e", "local _ <close> = setmetatable({}, {__close = function()"
    .. " print 'closed' end}) os.exit(3, true)" } },
  { "epoll", { "--poller=epoll", "-e", tasks } },
  { "tasks", { "-" }, tasks },
  { "server", { "-" }, server },
}

-- --------------------------------------------------------------- the judgement

local function verdict_of(e, base, subject)
  local verdict, text = sweep.process_verdict(e)
  if verdict then
    return verdict, text
  elseif e.blocks > base.blocks or e.descriptors > base.descriptors then
    return "leak", ("%d blocks, %d descriptors"):format(
      e.blocks - base.blocks, e.descriptors - base.descriptors)
  elseif e.code == base.code and e.output == base.output then
    return "right", ""
  elseif e.code ~= 0 and sweep.has_sign(subject, e.output) then
    return "clean", ""
  end
  return "wrong", ("status %d, %q"):format(e.code, e.output:sub(1, 200))
end

-- -------------------------------------------------------------------- the runs

-- The plan as text, as fault.h has it.
local function plan_text(plan)
  local number
  for i, name in ipairs(fault.calls()) do
    number = name == plan.call and i - 1 or number
  end
  local first = plan.first or 0
  local last = plan.times == 0 and math.maxinteger
    or first + (plan.times or 1) - 1
  return ("%d %d %d %d"):format(number, first, last, plan.errno or ENOMEM)
end

-- Runs the command by the plan: its end, which is not judged.
local function run(test, plan, subject)
  local start = forked.clock()
  local pid = forked.fork(subject.cpu)
  if pid == 0 then
    forked.exec(plan_text(plan), test.input, commands.path,
      table.unpack(test.words))
  end
  local e = { text = "", kind = "command" }
  e.how, e.code = forked.wait(pid, subject.wall)
  e.output = forked.output()
  e.blocks, e.descriptors, e.count, e.struck = forked.ended()
  e.seconds = forked.clock() - start
  return e
end

-- As sweep.try.
function commands.try(test, plan, subject)
  local e = run(test, plan, subject)
  local verdict, text = verdict_of(e, plan.base, subject)
  return verdict, text, e
end

-- As sweep.measure.
function commands.measure(test, call, subject)
  local e = run(test, { call = call }, subject)
  if e.how ~= "exit" or not e.blocks then
    return nil, "ended by " .. e.how
  end
  return e
end

function commands.tests()
  local tests = {}
  for i, case in ipairs(commands.cases) do
    tests[i] = {
      name = "command/" .. case[1], words = case[2], input = case[3] or "",
    }
  end
  return tests
end

return commands
