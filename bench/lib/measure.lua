-- Runs a program under bench/tools/measure, and reads what that says.

local shell = require "bench.lib.shell"

local measure = {}

measure.bin = "build/release/bench"
local errors = "build/log/bench-errors.log"

---@class bench.sample
---@field exit integer
---@field timeout integer
---@field total table         cpu_ns, wall_ns, rss_kb of the whole run
---@field [string] any        a mark: a table of cpu_ns, wall_ns, rss_kb,
---                           anon_kb; an answer of the program: a number, or
---                           the text if it is none

---@class bench.run
---@field program string[]    what is measured
---@field client string[]?     of the program, which is a server
---@field server string[]?     of the program, which is a client
---@field timeout integer     seconds
---@field times integer?      runs to add up
---@field gently boolean?     let the server end by itself, on SIGTERM
---@field together boolean?   client and server on one core, in turns

-- The cores are counted once: the last is for what is measured, for interrupts
-- come to the first.
local last_core

local function cores()
  last_core = last_core
    or (tonumber(shell.line("getconf _NPROCESSORS_ONLN")) or 1) - 1
  return last_core, math.max(last_core - 1, 0)
end

local function add_command(words, command)
  words[#words + 1] = "--"
  table.move(command, 1, #command, #words + 1, words)
end

-- The options of the tool. What is measured is on the last core, whichever of
-- server and client that is.
local function add_options(words, run)
  local core, other = cores()
  other = run.together and core or other
  local server, client = core, other
  if run.server then
    server, client = other, core
  end
  for _, option in ipairs {
    { "core", server }, { "client-core", client },
    { "of-client", run.server and 1 or 0 }, { "timeout", run.timeout },
    { "times", run.times or 1 }, { "gently", run.gently and 1 or 0 },
  } do
    words[#words + 1] = ("--%s=%d"):format(option[1], option[2])
  end
end

---The words of the command that does it.
---@param run bench.run
---@return string[]
function measure.command(run)
  local words = { measure.bin .. "/measure" }
  add_options(words, run)
  if run.server then
    add_command(words, run.server)
  end
  add_command(words, run.program)
  if run.client then
    add_command(words, run.client)
  end
  return words
end

---Reads the lines key=value; "a.b=1" becomes sample.a.b.
---@param text string
---@return bench.sample
function measure.parse(text)
  local sample = {}
  for key, value in text:gmatch("([%w_.]+)=([^\n]*)") do
    local mark, field = key:match("^([^.]+)%.(.+)$")
    local target = sample
    if mark then
      sample[mark] = type(sample[mark]) == "table" and sample[mark] or {}
      target = sample[mark]
    end
    target[field or key] = tonumber(value) or value
  end
  return sample
end

-- What the programs wrote to standard error, as part of a sentence.
local function complaint()
  local text = (shell.read(errors) or ""):gsub("%s+", " ")
  return text == "" and "" or ": " .. text:sub(1, 150)
end

local function failure(sample)
  if sample.timeout == 1 then
    return "took too long" .. complaint()
  elseif sample.exit ~= 0 then
    return ("ended with status %s%s"):format(sample.exit, complaint())
  end
  return nil
end

---The sample of a run that went well, or nil and what went wrong.
---@param run bench.run
---@return bench.sample?
---@return string? why
function measure.run(run)
  local command = shell.join(measure.command(run))
  local _, text = shell.run(command .. " 2>" .. errors .. " </dev/null")
  local sample = measure.parse(text)
  local why = failure(sample)
  if why then
    return nil, why
  end
  return sample
end

---CPU nanoseconds between the marks "start" and "stop".
---@param sample bench.sample
---@return integer
function measure.cpu(sample)
  return sample.stop.cpu_ns - sample.start.cpu_ns
end

---Wall-clock nanoseconds between the marks "start" and "stop".
---@param sample bench.sample
---@return integer
function measure.wall(sample)
  return sample.stop.wall_ns - sample.start.wall_ns
end

return measure
