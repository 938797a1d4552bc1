---A WebSocket connection, once the handshake is done: messages in turn, and the
---closing handshake.
---@class miniloop.websocket.connection
---@field subprotocol string? the one that was agreed on
---@field code integer? of the peer's Close; 1005 if it had none
---@field reason string? of the peer's Close
---@field headers table? of the server's answer
---@field extensions string? that were agreed on, as the server has put it
---@field private conn miniloop.net.stream
---@field private client boolean
---@field private frames table core.websocket's object, which knows the frames
---@field private input miniloop.websocket.input
---@field private output miniloop.websocket.output
---@field private packing miniloop.websocket.packing|false
---@field private reading table the turn of receivers, a semaphore
---@field private writing table the turn of senders
---@field private close_timeout number
---@field private ended boolean nothing comes any more
---@field private err miniloop.error|false why, unless both have closed
local connection = {}

local core = require "miniloop.core"
local misuse = require "miniloop.misuse"
local new_input = require "miniloop.websocket.input".new
local new_output = require "miniloop.websocket.output".new

local meta = {}

---@param conn miniloop.net.stream
---@param client boolean
---@param frames table of core.websocket
---@param options miniloop.websocket.options
---@param packing miniloop.websocket.packing?
---@return miniloop.websocket.connection
function connection.new(conn, client, frames, options, packing)
  local output = new_output(conn, frames, options, packing)
  if packing then
    frames:pack()
  end
  return setmetatable({
    conn = conn,
    client = client,
    frames = frames,
    input = new_input(conn, output, options),
    output = output,
    packing = packing or false,
    reading = core.semaphore(1),
    writing = core.semaphore(1),
    close_timeout = options.close_timeout or 5,
    ended = false,
    err = false,
  }, meta)
end

-- --------------------------------------------------------------- small things

---@class miniloop.websocket.connection
local methods = {}

local function check(self, name)
  if getmetatable(self) ~= meta then
    error(("bad argument #1 to '%s' (a WebSocket expected, got %s)"):format(
      name, type(self)), 3)
  end
end

local function check_seconds(value, i, name)
  if value ~= nil and (math.type(value) == nil or value ~= value) then
    error(("bad argument #%d to '%s' (a number of seconds expected, got %s)")
      :format(i, name, value ~= value and "NaN" or type(value)), 3)
  end
end

---The peer as errors name it. One without a name has none there, either.
local function peer_of(self)
  local peer = self.conn:peer()
  return peer ~= "unix:" and peer or nil
end

local function deadline_of(timeout)
  return timeout and core.now() + timeout
end

local function remaining(deadline)
  return deadline and math.max(deadline - core.now(), 0)
end

---Nothing comes any more; `err` is why, false when both sides have closed.
local function set_ended(self, err)
  if not self.ended then
    self.ended = true
    self.err = err
  end
end

local function shut(self)
  self.conn:close()
  self.frames:stop()
  if self.packing then
    self.packing:close()
  end
end

---Nothing came of the connection itself any more.
local function lose(self, err)
  set_ended(self, err)
  shut(self)
end

-- -------------------------------------------------- the end of the connection

---Takes what still comes, and throws it away, until the peer has closed. To
---close with bytes unread would reset the connection, and the peer might never
---see what was sent last.
local function linger(self, deadline)
  repeat
    local bytes = self.conn:recv(nil, remaining(deadline))
  until not bytes
end

---Ends the connection when our Close is in the queue, and the peer's has come
---or will never be understood. That the server is the first to end it keeps the
---ports of clients free: section 7.1.1.
local function finish(self, deadline, at_fault)
  local own = core.now() + self.close_timeout
  deadline = math.min(own, deadline or own)
  self.output:drain(deadline)
  if at_fault then
    core.timeout(remaining(deadline), self.conn.shutdown, self.conn, "write")
  end
  if at_fault or self.client then
    linger(self, deadline)
  end
  shut(self)
end

-- Codes after which nothing is left to be said.
local friendly = { [1000] = true, [1001] = true, [1005] = true }

local function take_close(self, reason, code, deadline)
  rawset(self, "code", code)
  rawset(self, "reason", reason)
  local err = not friendly[code] and core.error("ECONNABORTED", "recv",
    peer_of(self), ("the peer closed with %d %s"):format(code, reason))
  set_ended(self, err)
  self.output:close(code ~= 1005 and code or nil)
  finish(self, deadline)
end

-- What a fault is as an error.
local codes = {
  [1002] = "EPROTO", [1007] = "EILSEQ", [1009] = "EMSGSIZE", [1011] = "ENOMEM",
}

local function take_fault(self, text, code, deadline)
  set_ended(self, core.error(codes[code], "recv", peer_of(self), text))
  self.output:close(code, text)
  finish(self, deadline, true)
end

-- ------------------------------------------------------------------- reading

---Bytes; or nothing when it has ended; or nil and an error of this call alone.
local function more_bytes(self, deadline)
  if self.ended then
    return nil
  end
  local bytes, err, lost = self.input:bytes(deadline or math.huge)
  if lost then
    lose(self, err)
    return nil
  end
  return bytes, err
end

---What is done about what is no message.
local controls = {
  ping = function(self, data)
    self.output:answer(data)
    self.output:push()
  end,
  pong = function()
  end,
  close = take_close,
  fault = take_fault,
}

---What has come, as core.websocket's object gives it, messages unpacked.
local function next_event(self, bytes)
  local kind, data, code, packed = self.frames:next(bytes)
  if not packed then
    return kind, data, code
  end
  local message, fault
  message, code, fault = self.packing:unpack(data, kind)
  if message then
    return kind, message
  end
  self.frames:stop()
  return "fault", fault, code
end

---The next message, for who has the turn.
local function next_message(self, deadline)
  local kind, data, code = next_event(self)
  while true do
    while not kind do
      local bytes, err = more_bytes(self, deadline)
      if not bytes then
        return nil, err or self.err or nil
      end
      kind, data, code = next_event(self, bytes)
    end
    local control = controls[kind]
    if not control then
      return data, kind
    end
    control(self, data, code, deadline)
    kind, data, code = next_event(self)
  end
end

---@param timeout number?
---@return string? message nil alone after both sides have closed
---@return string|miniloop.error|nil kind_or_err
local function receive(self, timeout)
  local turn <close>, err = self.reading:acquire(timeout)
  if not turn then
    return nil, err
  end
  local message, kind = next_message(self, deadline_of(timeout))
  if message == nil and kind == nil then
    return nil
  end
  return message, kind
end

-- ------------------------------------------------------------------- methods

local function check_message(data, kind)
  misuse.check(data, 1, "send", "string", 1)
  if kind ~= "text" and kind ~= "binary" then
    error(("bad argument #2 to 'send' ('text' or 'binary' expected, got %s)")
      :format(type(kind) == "string" and "'" .. kind .. "'" or type(kind)), 3)
  elseif kind == "text" and not core.websocket.isutf8(data) then
    error("bad argument #1 to 'send' (a text must be UTF-8; send other data as "
      .. "\"binary\")", 3)
  end
end

---Sends a message. Waits while the peer does not keep up, and while other tasks
---send. A message that was begun goes out as a whole, also if this task is
---ended in the midst of it or its time is up.
---@param data string
---@param kind ("text"|"binary")? "text" unless given; it must be UTF-8
---@param timeout number?
---@return true? ok
---@return miniloop.error? err EPIPE: the WebSocket is closed
function methods.send(self, data, kind, timeout)
  check(self, "send")
  check_message(data, kind or "text")
  check_seconds(timeout, 3, "send")
  core.place("send", true)
  local deadline = deadline_of(timeout)
  local turn <close>, err = self.writing:acquire(timeout)
  if not turn then
    return nil, err
  elseif self.output.closing then
    return nil, self.output.err or core.error("EPIPE", "write", peer_of(self),
      "the WebSocket is closed")
  end
  local ok
  ok, err = self.output:add(data, kind or "text")
  if not ok then
    return nil, err
  end
  return self.output:drain(deadline)
end

---The next message, and its kind.
---@param timeout number?
---@return string? message nil alone after both sides have closed
---@return "text"|"binary"|miniloop.error|nil kind_or_err
function methods.recv(self, timeout)
  check(self, "recv")
  check_seconds(timeout, 1, "recv")
  core.place("recv", true)
  return receive(self, timeout)
end

---For loops: each message and its kind, until both sides have closed. Raises
---what went wrong.
---@return fun(): string?, string?
function methods.messages(self)
  check(self, "messages")
  return function()
    core.place("messages", true)
    local message, kind = receive(self)
    if message == nil and kind ~= nil then
      error(kind, 0)
    end
    return message, kind
  end
end

-- Codes that exist and are never sent: section 7.4.1.
local unsent = { [1004] = true, [1005] = true, [1006] = true }

local function is_code(code)
  return math.type(code) and math.tointeger(code) and not unsent[code]
    and (code >= 3000 and code <= 4999 or code >= 1000 and code <= 1014)
end

local function check_close(code, reason)
  misuse.check(reason, 2, "close", "string", 1)
  if not is_code(code) then
    error("bad argument #1 to 'close' (1000 to 1003, 1007 to 1014, or 3000 to "
      .. "4999 expected)", 3)
  elseif #reason > 123 or not core.websocket.isutf8(reason) then
    error("bad argument #2 to 'close' (UTF-8 of at most 123 bytes expected)", 3)
  end
end

---Puts our Close into the queue, behind a message that is being sent if that
---gets out in time.
local function send_close(self, code, reason, deadline)
  local _ <close> = self.writing:acquire(remaining(deadline))
  self.output:close(code, reason)
  self.output:drain(deadline)
end

---Waits for the peer's Close, unless another task receives and will see it.
local function await_close(self, deadline)
  local turn <close> = self.reading:acquire(remaining(deadline))
  if not turn then
    return
  end
  repeat
    local message = next_message(self, deadline)
  until not message
end

---Closes: tells the peer, waits for its answer, and ends the connection. What
---still comes is thrown away. May be repeated.
---@param code integer? 1000 unless given
---@param reason string?
---@return true? ok
---@return miniloop.error? err ETIMEDOUT: the peer did not answer in time
function methods.close(self, code, reason)
  check(self, "close")
  check_close(code or 1000, reason or "")
  core.place("close", true)
  local deadline = core.now() + self.close_timeout
  if not self.ended then
    send_close(self, math.tointeger(code or 1000), reason, deadline)
    await_close(self, deadline)
    set_ended(self, core.error("ETIMEDOUT", "close", peer_of(self),
      "the peer did not answer"))
  end
  shut(self)
  if self.err then
    return nil, self.err
  end
  return true
end

---The peer's address.
---@return string? address
---@return miniloop.error? err
function methods.peer(self)
  check(self, "peer")
  return self.conn:peer()
end

-- ------------------------------------------------------------------ metatable

---Says good-bye without waiting.
local function abandon(self, code)
  if not self.ended then
    self.output:close(code)
    self.output:push()
  end
  lose(self, core.error("EBADF", "recv", nil, "it was closed"))
end

---At the end of its block: 1000, or 1011 if that ends by an error, or 1001 if
---its task is being cancelled. Where nothing can wait any more, for the task is
---being killed, the peer is told 1001, and not waited for.
function meta.__close(self, err)
  local code = err == nil and 1000
    or core.iserror(err) and err.code == "ECANCELED" and 1001 or 1011
  local ok, why = pcall(methods.close, self, code)
  if ok then
    return
  end
  abandon(self, code == 1000 and 1001 or code)
  if core.iserror(why) then
    error(why, 0)
  end
end

---For who must close it without a variable of its own: as its `__close`.
---@param ws miniloop.websocket.connection
---@param err any
function connection.leave(ws, err)
  meta.__close(ws, err)
end

function meta.__tostring(self)
  return "WebSocket " .. (peer_of(self) or "(closed)")
end

function meta.__newindex(_, key)
  error(("the field '%s' of a WebSocket cannot be set"):format(tostring(key)),
    2)
end

local absent = {
  subprotocol = true, code = true, reason = true, headers = true,
  extensions = true,
}

function meta.__index(_, key)
  local method = methods[key]
  if not method and not absent[key] then
    error(core.unknown("a WebSocket", key, methods), 2)
  end
  return method
end

return connection
