---The runtime as scripts see it: tasks, time, and the calls that block.
---
---What is made in C is documented, with its types, in lua/meta/miniloop.lua.
---@class miniloop
local ml = {}

local core = require "miniloop.core"
core.use()

for _, name in ipairs {
  "any", "cancel", "channel", "close", "condition", "detach", "event",
  "forget", "group", "id", "iserror", "kill", "locals", "mutex", "new", "now",
  "perform", "run", "self", "semaphore", "shield", "signals", "sleep", "spawn",
  "timeout", "try", "wait", "wait_io_read", "wait_io_write", "yield",
} do
  ml[name] = core[name]
end

-- A state may come without debug.
local metatable_of = debug and debug.getmetatable or getmetatable

-- At the line of who called the function of that name.
local function check_argument(name, i, fits, expected, got, level)
  if not fits then
    error(("bad argument #%d to '%s' (%s expected, got %s)"):format(i, name,
      expected, got), level or 3)
  end
end

-- A method may have been called with a dot, or be in a `for` by itself.
local function check_self(name, self, methods, expected)
  local meta = metatable_of(self)
  check_argument(name, 1, meta and meta.__index == methods, expected,
    type(self), 4)
end

---The values of a channel, as they come, until it is closed; raises the error
---that it was closed with.
local channel = getmetatable(core.channel()).__index

function channel:values()
  check_self("values", self, channel, "miniloop.channel")
  return function()
    core.place("values", true)
    local value, err = self:recv()
    if value == nil and err ~= nil then
      error(err, 0)
    end
    return value
  end
end

---@class miniloop.map_options
---@field limit integer?   at most so many at once
---@field timeout number?  seconds for all of it

local map_options = { limit = true, timeout = true }

---Raises for an option that there is not, at the line of who called the
---function whose options these are; `level` counts from here.
local function check_options(what, options, known, level)
  for key in pairs(options) do
    if not known[key] then
      error(core.unknown(what, key, known), level)
    end
  end
end

local function callable(value)
  local meta = metatable_of(value)
  return type(value) == "function" or meta and meta.__call
end

local task_info = { __index = {} }

---Where the task is at the moment; nil when it has ended or not begun.
---@return string?
function task_info.__index:traceback()
  return core.traceback(self.id)
end

---The living tasks, oldest first: each with `id`, `name`, `status`, `waits`
---(what it waits for), `since` (as ml.now), `spawned`, and a method, traceback.
function ml.tasks()
  core.place("tasks", false)
  local list = core.tasks()
  for _, info in ipairs(list) do
    setmetatable(info, task_info)
  end
  return list
end

---The names of the signals, as they come.
function core.signals_methods:names()
  check_self("names", self, core.signals_methods, "miniloop.signals")
  return function()
    core.place("names", true)
    return (self:wait())
  end
end

-- The integer that a number is; strings are never taken for numbers.
local function whole(value)
  return math.type(value) and math.tointeger(value)
end

-- The checked options of map: how many at once at most, and seconds for all.
local function map_bounds(list, f, options)
  check_argument("map", 1, type(list) == "table", "table", type(list), 4)
  check_argument("map", 2, callable(f), "function", type(f), 4)
  options = options == nil and {} or options
  check_argument("map", 3, type(options) == "table", "table", type(options), 4)
  check_options("the options table of 'map'", options, map_options, 4)
  local limit = whole(options.limit or math.max(#list, 1))
  local timeout = options.timeout or math.huge
  if not limit or limit < 1 then
    error("bad option 'limit' of 'map' (a positive integer expected)", 3)
  elseif type(timeout) ~= "number" or timeout ~= timeout then
    error("bad option 'timeout' of 'map' (a number expected)", 3)
  end
  return limit, timeout
end

---Runs `f(item)` for every item of `list`, each in a task of its own.
---@param list any[]
---@param f fun(item: any): any
---@param options miniloop.map_options?
---@return table results  by index, the first result; `results.n` is the length
---@return table errs     by index, the error where `f` raised, returned nil and
---an error, or was cut off
function ml.map(list, f, options)
  core.place("map", true)
  local limit, timeout = map_bounds(list, f, options)
  local n = #list
  local results, errs, tasks, ended = { n = n }, {}, {}, {}
  local slots = core.semaphore(limit)

  local function one(i, item, guard)
    local _ <close> = guard
    local ok, value, err = core.try(f, item)
    ended[i] = true
    if not ok then
      errs[i] = value
    elseif value == nil then
      errs[i] = err
    else
      results[i] = value
    end
  end

  local _, cut = core.timeout(timeout, core.group, function(g)
    for i = 1, n do
      tasks[i] = g:spawn(one, i, list[i], slots:acquire())
    end
  end)
  for i = 1, n do
    if not ended[i] then -- the time was up, or somebody ended its task
      errs[i] = cut or select(2, tasks[i]:wait())
    end
  end
  return results, errs
end

---Calls the functions at once, each in a task of its own.
---@param ... fun(): any
---@return any ... the results of the first to succeed, that is to return other
---than nil and an error; the others are cancelled. If none does, nil and an
---error whose `errors` lists theirs.
function ml.race(...)
  core.place("race", true)
  local functions = table.pack(...)
  for i = 1, functions.n do
    check_argument("race", i, callable(functions[i]), "function",
      type(functions[i]))
  end
  local winner
  local errors, tasks = {}, {}
  core.group(function(g)
    for i = 1, functions.n do
      tasks[i] = g:spawn(function()
        local got = table.pack(core.try(functions[i]))
        if got[1] and (got[2] ~= nil or got[3] == nil) then
          if not winner then
            winner = got
            g:cancel("another one was first")
          end
        else
          errors[i] = got[1] and got[3] or got[2]
        end
      end)
    end
  end)
  if winner then
    return table.unpack(winner, 2, winner.n)
  end
  for i, task in ipairs(tasks) do
    if errors[i] == nil then -- somebody ended it
      errors[i] = select(2, task:wait())
    end
  end
  local err = core.error("EFAILED", "race")
  err.errors = errors
  return nil, err
end

-- The first beat after `now`, of those that come every so many seconds.
local function next_beat(due, seconds, now)
  if seconds <= 0 then
    return now
  end
  local missed = (now - due) // seconds
  return due + seconds * (math.max(missed, 0) + 1)
end

---Calls `f` on a steady beat, from one period on; beats that were missed are
---skipped. An error ends it.
---@param seconds number
---@param f fun()
---@return miniloop.task
function ml.every(seconds, f)
  core.place("every", false)
  check_argument("every", 1, math.type(seconds), "number", type(seconds))
  check_argument("every", 2, callable(f), "function", type(f))
  if seconds ~= seconds then
    error("bad argument #1 to 'every' (a time cannot be NaN)", 2)
  end
  local due = core.now() + seconds
  return core.spawn(function()
    while true do
      core.sleep(due - core.now())
      f()
      due = next_beat(due, seconds, core.now())
    end
  end)
end

return setmetatable(ml, {
  __index = function(_, key)
    error(core.unknown("miniloop", key, ml), 2)
  end,
})
