-- Values that tasks yield, and requests with arguments of any kind: what is
-- wrong raises in the task that yields it, and the loop goes on, and comes to
-- its end.

local ml = require "miniloop"
local syscall = require "miniloop.syscall"

local names = {}
for name in pairs(syscall) do
  names[#names + 1] = name
end
table.sort(names)

-- ------------------------------------------------------------------ the input

local input = {}
input.__index = input

function input:byte()
  self.at = self.at + 1
  return self.bytes:byte(self.at) or 0
end

function input:pick(list)
  return list[self:byte() % #list + 1]
end

function input:over()
  return self.at >= #self.bytes
end

-- --------------------------------------------------------- values of all kinds

local numbers = {
  0, 1, 2, 3, 4, 5, -1, 0.0, 0.5, 1e300, -1e300, 1 / 0, -1 / 0, 0 / 0, 255,
  1e-9, math.maxinteger, math.mininteger, 2 ^ 53, 2 ^ 63, 1 << 31, 3.0,
}

local function nothing() end

local value

local makers = {
  function(in_)
    return in_:pick(numbers)
  end,
  function()
    return nil
  end,
  function(in_)
    return in_:byte() % 2 == 0
  end,
  function(in_)
    return in_:pick { "", "1", "TERM", "KILL", "x" }
  end,
  function()
    return {}
  end,
  function()
    return nothing
  end,
  function(in_)
    return function()
      coroutine.yield((value(in_)))
    end
  end,
  function()
    return coroutine.create(nothing)
  end,
  function()
    return setmetatable({}, { __call = nothing })
  end,
  function()
    return setmetatable({}, { __index = error })
  end,
  function(in_)
    return setmetatable({ getfd = function()
      return (value(in_))
    end }, {})
  end,
  function(in_)
    return in_.objects[in_:byte() % #in_.objects + 1]
  end,
  function(in_) -- a request, if the arguments are right
    local make = syscall[in_:pick(names)]
    local ok, request = pcall(make, value(in_), value(in_))
    return ok and request or nil
  end,
}

function value(in_)
  in_.depth = in_.depth + 1
  local made
  if in_.depth < 6 then
    made = in_:pick(makers)(in_)
  end
  in_.depth = in_.depth - 1
  return made
end

-- ---------------------------------------------------------------------- tasks

local function several(in_)
  local list = {}
  for i = 1, in_:byte() % 4 do
    list[i] = value(in_)
  end
  return list
end

-- What a task does with the input until it is used up. None may wait for ever.
local function act(in_)
  local how = in_:byte() % 6
  if how == 0 then
    pcall(coroutine.yield, table.unpack(several(in_), 1, 3))
  elseif how == 1 then
    local object = value(in_)
    if type(object) == "userdata" then
      in_.objects[in_:byte() % 8 + 1] = object
    end
  elseif how == 2 then
    pcall(ml.perform, value(in_))
  elseif how == 3 then
    pcall(ml.any, several(in_))
  elseif how == 4 then
    pcall(ml.spawn, function()
      pcall(act, in_)
    end)
  else
    pcall(syscall[in_:pick(names)], table.unpack(several(in_), 1, 3))
  end
end

local function main(in_)
  in_.objects = {
    ml.channel(), ml.channel(1), ml.mutex(), ml.semaphore(1), ml.event(),
    ml.self(), syscall.id(), syscall.sleep(0),
  }
  while not in_:over() do
    ml.timeout(1, act, in_)
  end
end

-- All that the input has left. Their killer is older than all of them, and so
-- out of their reach.
local function kill_all()
  for _, info in ipairs(ml.tasks()) do
    if info.id ~= ml.id() then
      ml.kill(info.id)
    end
  end
  if #ml.tasks() > 1 then
    error("a task is alive that was killed", 0)
  end
end

-- A read of a descriptor of ours, which the input may name by its number, must
-- not keep a program from its end: the virtual clock jumps only when nothing is
-- to be waited for but time. So nobody waits longer than the block around
-- allows.
return function(bytes)
  local in_ = setmetatable({ bytes = bytes, at = 0, depth = 0 }, input)
  local ok, err = pcall(ml.run, function()
    ml.spawn(main, in_):wait(1000)
    kill_all()
  end, { clock = "virtual", poller = "sim", seed = 1 })
  if not ok and not ml.iserror(err) then
    error(err, 0)
  end
end
