-- The rows of the bench: a file of bench/rows each, which returns a table. What
-- its fields mean is told in bench/README.md.

local shell = require "bench.lib.shell"
local measure = require "bench.lib.measure"
local peers = require "bench.lib.peers"

local row = {}

---@class bench.contestant
---@field [1] string      its name; how it begins says what it is: "miniloop",
---                       "limit", or a peer of bench/lib/peers.lua
---@field [2] string      the program that is measured
---@field peer string?    the peer, where the name says more than that
---@field arguments string?  in the place of the row's
---@field client string?     in the place of the row's
---@field size table?        fields that it has otherwise than the others

---@class bench.goal
---@field of string?      the contestant that ours is compared with; without,
---                       the figure itself counts
---@field at_most number
---@field who string?     the contestant whose goal it is: the first
---@field figure string?  one of the row's figures; the value

---@class bench.row
---@field name string             the file's
---@field title string
---@field unit string             of the value, a CPU time a ...
---@field about string?           a remark for the report
---@field full table      sizes, which fill the holes {name} of commands;
---                       `times` is how many runs of a program count as one
---@field quick table             what is smaller in the quick form
---@field arguments string        of the programs
---@field client string?          the command of the client, of contestants
---                               that are servers
---@field server string?          that of the server, of those that are clients
---@field timeout integer?        seconds that a run may take: 60
---@field points table[]?         the sizes of a table of growth
---@field contestants bench.contestant[]
---@field goals bench.goal[]?
---@field alone boolean?          the contestants are not to be compared
---@field value nil|fun(sample: bench.sample, size: table): number  without it:
---               CPU nanoseconds from start to stop, by size.n
---@field figures nil|fun(sample: bench.sample, size: table): table[]  further
---               ones: { name, number, unit }
---@field check nil|fun(sample: bench.sample, size: table): boolean, string?
---               without it: whether sample.count is size.n

local required = {
  title = "string", unit = "string", full = "table", quick = "table",
  arguments = "string", contestants = "table",
}
local optional = {
  about = "string", client = "string", server = "string", timeout = "number",
  points = "table", goals = "table", figures = "function",
  value = "function", check = "function", alone = "boolean",
}

-- A misspelt field would be a goal that nobody looks at.
local function validate(candidate, name)
  for field, kind in pairs(required) do
    if type(candidate[field]) ~= kind then
      error(("%s: %s must be a %s"):format(name, field, kind), 0)
    end
  end
  for field, value in pairs(candidate) do
    local kind = required[field] or optional[field]
    if type(value) ~= kind then
      error(("%s: a row has no such %s"):format(name, field), 0)
    end
  end
end

local function cost(sample, size)
  return measure.cpu(sample) / size.n
end

local function counted(sample, size)
  return sample.count == size.n, "counted " .. tostring(sample.count)
end

---The names of all rows, in order.
---@return string[]
function row.names()
  local names = {}
  local _, text = shell.run("ls bench/rows")
  for name in text:gmatch("([%w_]+)%.lua") do
    names[#names + 1] = name
  end
  return names
end

---The row, checked; raises a text if there is no such row, or it is wrong.
---@param name string
---@return bench.row
function row.load(name)
  local chunk, message = loadfile("bench/rows/" .. name .. ".lua")
  local loaded = chunk and chunk() or error(message, 0)
  validate(loaded, name)
  loaded.name = name
  loaded.value = loaded.value or cost
  loaded.check = loaded.check or counted
  return loaded
end

---Is it "ours", a "limit" or a "peer"?
---@param contestant bench.contestant
---@return string
function row.kind(contestant)
  local first = contestant[1]:match("^%a+")
  return first == "miniloop" and "ours" or first == "limit" and "limit"
    or "peer"
end

-- Fields of later tables are stronger.
local function merge(...)
  local merged = {}
  for _, fields in ipairs { ... } do
    for key, value in pairs(fields) do
      merged[key] = value
    end
  end
  return merged
end

---The sizes of one contestant. In the quick form what is smaller there is so
---for all.
---@param r bench.row
---@param contestant bench.contestant
---@param quick boolean
---@param point table?   of the row's points
---@return table
function row.size(r, contestant, quick, point)
  return merge(r.full, contestant.size or {}, point or {},
    quick and r.quick or {}, quick and point or {})
end

---The words of a command, with their holes filled; {port} is left to the
---measuring program.
---@param template string
---@param size table
---@return string[]
function row.words(template, size)
  local list = {}
  for word in template:gmatch("%S+") do
    list[#list + 1] = word:gsub("{(%w+)}", function(hole)
      local value = hole == "bin" and measure.bin or size[hole]
      return value ~= nil and ("%s"):format(value) or nil
    end)
  end
  return list
end

-- The program with what runs it before it.
local function program(contestant)
  local kind, path = row.kind(contestant), contestant[2]
  if kind == "peer" then
    return peers.command(contestant.peer or contestant[1], path)
  elseif path:match("^%S+%.lua$") then
    return "build/miniloop " .. path
  end
  return path
end

---How to run a contestant; nil and why it cannot be.
---@param r bench.row
---@param contestant bench.contestant
---@param size table
---@return bench.run?
---@return string? why
function row.run(r, contestant, size)
  local command, why = program(contestant)
  if not command then
    return nil, why
  end
  local client = contestant.client or r.client
  return {
    program = row.words(
      command .. " " .. (contestant.arguments or r.arguments), size),
    client = client and row.words(client, size),
    server = r.server and row.words(r.server, size),
    timeout = r.timeout or 60, times = size.times,
  }
end

return row
