---The connections of a client: those that wait for another request, and how
---many there may be.
---
---A lease is a connection in somebody's hands. It closes the connection unless
---it was put back; so whatever ends a request in the middle ends its
---connection, too. What waits in the pool has no task: it is looked at when
---somebody asks for a connection the next time.

local core = require "miniloop.core"
local net = require "miniloop.net"

---@class miniloop.http.lease
---@field conn miniloop.net.stream?
---@field wire table?      what reads answers from it
---@field key string       who may share it
---@field route miniloop.http.route kept, for the key names its `tls` by address
---@field pool miniloop.http.pool
---@field state "busy"|"given"|"idle"|"closed"
---@field reused boolean   it has carried a request before
---@field era integer      the pool's, when it was made
---@field since number?    when it was put back
---@field slot table?      the semaphore of the key, which it has acquired
---@field writer miniloop.task? sends a body
local lease = {}

local lease_meta = { __index = lease }

---Ends the connection, and whoever is sending on it.
function lease:close()
  local writer, conn, slot = self.writer, self.conn, self.slot
  self.writer, self.conn, self.slot, self.state = nil, nil, nil, "closed"
  if conn then
    conn:close()
  end
  if slot then
    slot:release()
  end
  if writer and writer:status() ~= "done" then
    core.kill(writer)
  end
end

function lease_meta.__close(self)
  if self.state == "busy" then
    self:close()
  end
end

---A streamed answer that nobody has read to its end was dropped. Its stream
---closes by itself; what others wait for is its place.
function lease_meta.__gc(self)
  if self.slot then
    self.slot:release()
  end
end

---@class miniloop.http.pool
---@field private idle table<string, miniloop.http.lease[]>
---@field private slots table<string, table> semaphores
---@field limit number   connections at once of one key
---@field keep integer   of those that wait, for one key
---@field seconds number that they wait at most
---@field private swept number
---@field private era integer counts how often it was closed
local pool = {}

local pool_meta = { __index = pool }

---A wire's own limits of time are for servers: a request has its timeout.
pool.limits = {
  first = math.huge, idle = math.huge, head_time = math.huge,
  body_time = math.huge, write = math.huge,
}

---@return miniloop.http.pool
function pool.new(options)
  return setmetatable({
    idle = {},
    slots = {},
    limit = options.limit or math.huge,
    keep = options.keep or 16,
    seconds = options.idle or 30,
    swept = 0,
    era = 0,
  }, pool_meta)
end

---Puts a connection back whose answer was read to its end.
function lease:give_back()
  local owner = self.pool
  local list = owner.idle[self.key]
  if not list then
    list = {}
    owner.idle[self.key] = list
  end
  if self.era ~= owner.era or #list >= owner.keep then
    self:close()
    return
  end
  self.state, self.writer, self.since = "idle", nil, core.now()
  if self.slot then
    self.slot:release()
    self.slot = nil
  end
  list[#list + 1] = self
end

---Closes those that have waited for too long; the oldest are first in a list.
local function sweep(self)
  local now = core.now()
  if now - self.swept < 1 and now >= self.swept then
    return
  end
  self.swept = now
  for key, list in pairs(self.idle) do
    while list[1] and now - list[1].since > self.seconds do
      table.remove(list, 1):close()
    end
    if not list[1] then
      self.idle[key] = nil
    end
  end
end

---Closes all that wait.
function pool:close()
  self.era = self.era + 1
  for _, list in pairs(self.idle) do
    while list[1] do
      table.remove(list):close()
    end
  end
  self.idle = {}
end

---Whether the peer has neither closed the connection nor sent what nobody asked
---for, and would be taken for the next request's answer.
local function is_quiet(conn)
  local ready, err = core.wait_io_read(conn, 0)
  return not ready and err.code == "ETIMEDOUT"
end

---The connection that was put back last and is still good, if there is one.
local function take_idle(self, key)
  local list = self.idle[key]
  while list and list[1] do
    local held = table.remove(list)
    if is_quiet(held.conn) then
      held.state, held.reused = "busy", true
      return held
    end
    held:close()
  end
end

---A place that nobody has taken over is free again.
local hold_meta = {
  __close = function(hold)
    if hold.slot then
      hold.slot:release()
    end
  end,
}

---Hands the place on to the lease that it is for.
local function hand_over(hold)
  local slot = hold.slot
  hold.slot = nil
  return slot
end

---Waits for a place among those that may be open at once.
local function take_slot(self, key)
  if self.limit == math.huge then
    return nil
  end
  local slots = self.slots[key]
  if not slots then
    slots = core.semaphore(self.limit)
    self.slots[key] = slots
  end
  slots:acquire()
  return slots
end

---@class miniloop.http.route
---@field key string       who shares connections
---@field address any      as net.connect takes it
---@field options table    of net.connect
---@field tls any           what was asked for
---@field prepare (fun(lease: miniloop.http.lease): true?, miniloop.error?)?

---@param self miniloop.http.pool
---@param route miniloop.http.route
local function connect(self, route, hold)
  local made <close> = setmetatable({
    key = route.key, pool = self, state = "busy", reused = false,
    era = self.era, slot = hand_over(hold), route = route,
  }, lease_meta)
  local conn, err = net.connect(route.address, route.options)
  if not conn then
    return nil, err
  end
  made.conn = conn
  local ready = true
  if route.prepare then
    ready, err = route.prepare(made)
  end
  if not ready then
    return nil, err
  end
  made.wire = core.http.wire(made.conn, pool.limits)
  made.state = "given"
  return made
end

---Gives a connection, one that has waited if there is one. Its state is "busy":
---the caller has it in a to-be-closed variable at once.
---@param route miniloop.http.route
---@param fresh boolean? one that has not carried anything yet
---@return miniloop.http.lease? lease
---@return miniloop.error? err
function pool:take(route, fresh)
  sweep(self)
  local hold <close> = setmetatable({ slot = take_slot(self, route.key) },
    hold_meta)
  local held = not fresh and take_idle(self, route.key)
  if held then
    held.slot = hand_over(hold)
    return held
  end
  local made, err = connect(self, route, hold)
  if made then
    made.state = "busy"
  end
  return made, err
end

return pool
