-- A random life of many tasks: they sleep, wait, spawn, kill, cancel, raise and
-- close variables, in each other and in coroutines, all by dice. What must hold
-- is that every variable is closed once, and that nothing crashes.

local ml = require "miniloop"
local sockets = require "spec.support.sockets"

local random_tasks = {}

-- Members: opened and closed count variables, trace is what was done by whom,
-- handles are the tasks that may be picked, depth bounds the nesting.
local Life = {}
Life.__index = Life

-- A to-be-closed variable, which does `body` when it is closed.
function Life:variable(body)
  self.opened = self.opened + 1
  local closed = false
  return setmetatable({}, {
    __close = function()
      assert(not closed, "closed twice")
      closed = true
      self.closed = self.closed + 1
      if body then
        body()
      end
    end,
  })
end

function Life:task()
  return self.handles[math.random(#self.handles)]
end

function Life:event()
  return self.events[math.random(#self.events)]
end

function Life:connection()
  return self.connections[math.random(#self.connections)]
end

local function chance(n)
  return math.random(n) == 1
end

local acts = {
  function() ml.sleep(math.random(0, 3)) end,
  function() ml.yield() end,
  function() pcall(ml.sleep, chance(2) and math.huge or 2) end,
  function(life) life:event():wait(math.random(0, 5)) end,
  function(life) life:event():set() end,
  function(life) life:event():clear() end,
  function(life) life:task():kill() end,
  function(life) life:task():cancel(math.random(3)) end,
  function(life) life:task():wait(math.random(0, 4)) end,
  function(life) pcall(ml.self().join, life:task()) end,
  function() ml.kill(math.random(0, 60)) end,
  function() ml.wait(math.random(0, 80), 2) end,
  function(life) life:spawn(math.random(0, 10)) end,
  function(life)
    local _ <close> = life:variable()
    life:act()
  end,
  function(life)
    local _ <close> = life:variable(function()
      pcall(ml.sleep, 1)
    end)
    life:act()
  end,
  function(life)
    local _ <close> = life:variable(function()
      life:task():kill()
    end)
    life:act()
  end,
  function(life)
    local _ <close> = life:variable(function()
      if chance(4) then
        error("in closing", 0)
      end
    end)
    life:act()
  end,
  function(life) pcall(life.act, life) end,
  function(life) coroutine.wrap(life.act)(life) end,
  function(life)
    local co = coroutine.create(life.work)
    coroutine.resume(co, life, math.random(3))
    coroutine.close(co)
  end,
  function(life)
    for _ in coroutine.wrap(function()
      for i = 1, math.random(3) do
        life:act()
        coroutine.yield(i)
      end
    end) do
      life:act()
    end
  end,
  function(life)
    table.sort({ 1, 2, 3 }, function(a, b)
      pcall(life.act, life)
      return a < b
    end)
  end,
  function() assert(not chance(4), "raised") end,
  function(life) ml.wait_io_read(life:connection().near, 1) end,
  function(life) life:connection().far:send("x") end,
  function(life) life:connection().near:receive(math.random(3)) end,
  function(life) ml.forget(life:connection().near) end,
  function() coroutine.yield(syscall.sleep(1)) end,
  function() coroutine.running() end,
  function()
    if chance(10) then
      ml.self():kill()
    end
  end,
  function(life) life:task().name = "named" end,
}

function Life:act()
  local i = math.random(#acts)
  self.trace = self.trace * 31 + ml.id() * #acts + i
  if self.depth < 40 then
    self.depth = self.depth + 1
    local _ <close> = setmetatable({}, {
      __close = function()
        self.depth = self.depth - 1
      end,
    })
    acts[i](self)
  end
end

function Life:work(n)
  for _ = 1, n do
    self:act()
  end
end

function Life:spawn(n)
  if #self.handles < 200 then
    table.insert(self.handles, ml.spawn(self.work, self, n))
  end
end

function Life:kill_all()
  while #self.handles > 0 do
    table.remove(self.handles):kill()
  end
end

-- Lives through `rounds` with these dice; gives how many variables were opened
-- and closed, and a number that sums up what was done.
function random_tasks.run(seed, rounds)
  math.randomseed(seed)
  local life = setmetatable({
    opened = 0, closed = 0, trace = 0, depth = 0,
    handles = {}, events = {}, connections = sockets.pairs(3),
  }, Life)
  for i = 1, 5 do
    life.events[i] = ml.event()
  end
  for _ = 1, rounds do
    for _ = 1, 5 do
      life:spawn(math.random(12))
    end
    ml.sleep(math.random(0, 3))
    if #life.handles >= 150 then
      life:kill_all()
    end
  end
  life:kill_all()
  ml.sleep(0)
  for _, connection in ipairs(life.connections) do
    connection.near:close()
    connection.far:close()
  end
  return life.opened, life.closed, life.trace
end

return random_tasks
