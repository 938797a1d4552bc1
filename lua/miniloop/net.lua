---The network: streams, listeners, datagrams, names, and servers.
---
---What is made in C is documented, with its types, in lua/meta/net.lua.
---@class miniloop.net
local net = {}

local core = require "miniloop.core"
core.use()

for _, name in ipairs { "buffer", "pair", "resolve", "stream", "udp" } do
  net[name] = core.net[name]
end

---What is to be protected goes there once C has checked the arguments; all the
---rest never leaves C.
local secure = require "miniloop.secure"
net.connect = core.net.connector(secure.connect)
net.listen = core.net.listener(secure.listen)

---A state may come without it.
local traceback = debug and debug.traceback or function() end

-- --------------------------------------------------------- errors of handlers

---The tracebacks of errors that are on their way out of handlers, by the ids
---of the tasks: a closure for each would be memory that idle ones hold.
local traces = {}

---A message handler. The error itself stays what it is, for the to-be-closed
---variables on its way see it.
local function trace(err)
  traces[core.id()] = traceback(nil, 2)
  return err
end

---An error that came through `trace`, as { value =, traceback = }.
local function fault_of(err)
  local id = core.id()
  local fault = { value = err, traceback = traces[id] }
  traces[id] = nil
  return fault
end

---Whether the running task is being told that it was cancelled.
local function is_cancellation(err)
  return core.iserror(err) and err.code == "ECANCELED" and err.op == "cancel"
    and err.task == core.id()
end

---What tells that a peer has gone. Of a Unix socket it names no address; a
---closed channel is EPIPE, too, but that of a "send".
local farewells = { ECONNABORTED = true, ECONNRESET = true, EPIPE = true }
local stream_ops = {
  lines = true, read = true, recv = true, write = true, writesome = true,
}

---The peer as errors name it, if they do.
local function name_of_peer(conn)
  local peer = conn:peer()
  return peer ~= "unix:" and peer or nil
end

---Whether the handler let go what it was told when its own peer went away.
local function is_farewell(err, peer)
  return core.iserror(err) and stream_ops[err.op] and err.address == peer
    and farewells[err.code] or false
end

---Tells of what a handler raised, to whoever wants to know.
local function tell(fault, conn, peer, on_error)
  if is_cancellation(fault.value) then
    error(fault.value, 0)
  elseif is_farewell(fault.value, peer) then
    return
  elseif on_error then
    local ok, err = xpcall(on_error, trace, fault.value, conn, fault.traceback)
    return not ok and tell(fault_of(err), conn, peer)
  end
  core.net.report(fault.value, fault.traceback)
end

-- ---------------------------------------------------------------- connections
--
-- A crew is the tasks that serve the connections of one server: they are
-- counted, and belong to the server's own group, as does what they spawn.

---@class miniloop.net.crew
---@field handler function
---@field on_error function?
---@field patience number? seconds for a handshake; nil without TLS
---@field group miniloop.group? once the server's task has begun
---@field count integer
---@field seat table what a member has while it is one
---@field left table an event, set when a member has left
---@field offer table? the connection that the newest task is to take

local crew_meta = {}
local seat_meta = {}

---The group has ended, and with it whoever was to take the connection.
function crew_meta.__close(crew)
  if crew.offer then
    crew.offer:close()
  end
end

local function crew_new(handler, options, seconds)
  local crew = setmetatable({
    handler = handler,
    on_error = options.on_error,
    patience = seconds,
    count = 0,
    left = core.event(),
  }, crew_meta)
  crew.seat = setmetatable({ crew = crew }, seat_meta)
  return crew
end

---Waits until the crew has at most so many members.
local function crew_wait(crew, most)
  while crew.count > most do
    crew.left:clear()
    crew.left:wait()
  end
end

---Handlers are told the reason, and so is what they have spawned.
local function crew_cancel(crew, reason)
  if crew.group then
    crew.group:cancel(reason)
  end
end

---The running task leaves.
function seat_meta.__close(seat)
  local crew = seat.crew
  traces[core.id()] = nil
  crew.count = crew.count - 1
  crew.left:set()
end

---Makes the running task a member, until the value is closed.
local function crew_join(crew)
  crew.count = crew.count + 1
  return crew.seat
end

---Makes the handshake of a connection with TLS; whether it is made. That one is
---not is the peer's affair: nothing tells it, unless somebody wants to know.
local function shake(crew, conn, peer)
  local ok, err = conn:handshake(crew.patience)
  if not ok and crew.on_error then
    tell({ value = err }, conn, peer, crew.on_error)
  end
  return ok
end

---Says by TLS that this is the end, behind what a handler has left to be sent.
---A close could not wait for a peer that reads slowly, to whom what came would
---look cut off.
local function part(crew, conn)
  if crew.patience then
    core.timeout(crew.patience, conn.shutdown, conn, "write")
  end
end

---A task of the crew: takes the connection that is offered, and serves it. It
---leaves the crew when the connection is closed.
local function attend(crew)
  local _ <close> = crew_join(crew)
  local conn <close> = crew.offer
  crew.offer = nil
  if not conn then
    return
  end
  local peer = name_of_peer(conn) -- a closed one cannot tell any more
  if crew.patience and not shake(crew, conn, peer) then
    return
  end
  local ok, err = xpcall(crew.handler, trace, conn)
  if ok then
    part(crew, conn)
  else
    tell(fault_of(err), conn, peer, crew.on_error)
  end
end

---Gives a connection to a task of its own. A task that is killed before it has
---run does not take it; hence the yield, behind which it has run.
local function crew_admit(crew, conn)
  crew.offer = conn
  core.spawn(attend, crew)
  core.yield()
  if crew.offer then
    crew.offer = nil
    conn:close()
  end
end

-- -------------------------------------------------------------------- servers

---@class miniloop.net.server
---@field private listener miniloop.net.listener
---@field private text string
---@field private crew miniloop.net.crew
---@field private limit number
---@field private task miniloop.task
---@field private stopping function|false
local server = {}

local server_meta = {}

---Accepts until the listener is closed, which is how a server is stopped; gives
---the error if it is another one.
local function accept_all(self)
  local conn, err
  repeat
    crew_wait(self.crew, self.limit - 1)
    conn, err = self.listener:accept()
    if conn then
      crew_admit(self.crew, conn)
    end
  until not conn
  self.listener:close()
  return err.code ~= "EBADF" and err or nil
end

---The block of the server's group, which waits for the connections.
local function accept_in(self, group)
  self.crew.group = group
  local ok, err = pcall(accept_all, self)
  if ok then
    return err
  end
  self.listener:close()
  crew_cancel(self.crew, core.iserror(err) and err.reason or nil)
  error(err, 0)
end

---The server's own task; at its end, the listener is closed.
local function run(self)
  local _ <close> = self.crew
  self.task.name = "server " .. self.text
  local err = core.group(function(group)
    return accept_in(self, group)
  end)
  if err then
    error(err, 0)
  end
end

---The options of listen among those of serve.
local function listen_options(options)
  local own = {}
  for name, value in pairs(options) do
    if name ~= "limit" and name ~= "on_error" then
      own[name] = value
    end
  end
  return own
end

---A listener for what is an address, or is one already.
local function open(address, options)
  if type(address) == "userdata" then
    return address
  elseif options.tls then
    return secure.open(address, listen_options(options))
  end
  return core.net.listen(address, listen_options(options))
end

---Seconds that a handshake may take; nil if there is none to be made.
local function patience_of(listener, options)
  local own = options.tls
  if own or core.tls.armed(listener) then
    return type(own) == "table" and own.timeout or secure.patience
  end
  return nil
end

---Serves each connection to an address in a task of its own, and gives the
---server at once.
---@param address miniloop.net.address|miniloop.net.listener
---@param handler fun(conn: miniloop.net.stream)
---@param options miniloop.net.serve_options?
---@return miniloop.net.server? server
---@return miniloop.error? err
local function serve(address, handler, options)
  options = options or {}
  if options.tls then
    secure.check(options, "listen", "serve", 3)
  end
  local listener, err = open(address, options)
  local text
  if listener then
    text, err = listener:address()
  end
  if not text then
    return nil, err
  end
  local self = setmetatable({
    listener = listener,
    text = text,
    crew = crew_new(handler, options, patience_of(listener, options)),
    limit = options.limit or math.huge,
    task = false, -- so that there is room for it: nothing fails once it runs
    stopping = false,
  }, server_meta)
  self.task = core.net.spawn(listener, run, self)
  return self
end

net.serve = core.net.server(serve)

---Has a function called when the server is stopped, before its connections are
---waited for: for protocols whose connections would last. It must not block.
---@param self miniloop.net.server
---@param f fun()
local function on_stop(self, f)
  rawset(self, "stopping", f)
end

core.net.on_stop = on_stop

-- The methods raise misuse two levels up: at the line that calls the method.

local function check(self, name)
  if getmetatable(self) ~= server_meta then
    error(("bad argument #1 to '%s' (a server expected, got %s)"):format(name,
      type(self)), 3)
  end
end

local function check_seconds(value, name)
  if value ~= nil and (math.type(value) == nil or value ~= value) then
    error(("bad argument #1 to '%s' (a number of seconds expected, got %s)")
      :format(name, value ~= value and "NaN" or type(value)), 3)
  end
end

---True, or nil and why the server's task has ended, or has not.
local function outcome(ok, err)
  if not ok and err.code == "EFAILED" and core.iserror(err.value) then
    err = err.value
  end
  return ok, err
end

---A connection's task, and one that it has spawned, would wait for itself.
local function await(self, timeout, op)
  if self.crew.group and core.within(self.crew.group) then
    return nil, core.error("EDEADLK", op, self.text,
      "it is called by one of the server's connections")
  end
  return outcome(self.task:wait(timeout))
end

---The address that the server listens on, also when it has ended.
---@return string
function server.address(self)
  check(self, "address")
  return self.text
end

---Waits until the server has ended.
---@param timeout number?
---@return boolean? ok
---@return miniloop.error? err
function server.join(self, timeout)
  check(self, "join")
  check_seconds(timeout, "join")
  core.place("join", true)
  return await(self, timeout, "join")
end

---Stops accepting, waits for the connections, and cancels those that are not
---through after the grace time.
---@param grace number?
---@return boolean? ok
---@return miniloop.error? err ETIMEDOUT: some were cancelled
function server.stop(self, grace)
  check(self, "stop")
  check_seconds(grace, "stop")
  core.place("stop", true)
  self.listener:close()
  if self.stopping then
    self.stopping()
  end
  core.yield() -- without connections the server's task is through after a turn
  local ok, err = await(self, grace, "stop")
  if ok or err.code ~= "ETIMEDOUT" then
    return ok, err
  end
  crew_cancel(self.crew, "the server was stopped")
  self.task:wait()
  return nil, core.error("ETIMEDOUT", "stop", self.text,
    "connections were cancelled")
end

---At the end of its block a server is stopped without grace. Where nothing can
---wait any more, for the task is being killed or cancelled, it is killed as
---well. A cancellation goes on; that a killed task cannot wait is no error.
function server_meta.__close(self)
  self.listener:close()
  crew_cancel(self.crew, "the server was closed")
  local ok, err = pcall(self.task.wait, self.task)
  if ok then
    return
  end
  core.kill(self.task)
  if core.iserror(err) then
    error(err, 0)
  end
end

function server_meta.__tostring(self)
  return "server " .. self.text
end

---Raises for a field that there is not, at the line that asks for it.
local function unknown(what, key, fields)
  error(core.unknown(what, key, fields), 3)
end

function server_meta.__newindex(_, key)
  error(("the field '%s' of a server cannot be set"):format(tostring(key)), 2)
end

function server_meta.__index(_, key)
  return server[key] or unknown("a server", key, server)
end

return setmetatable(net, {
  __index = function(_, key)
    unknown("miniloop.net", key, net)
  end,
})
