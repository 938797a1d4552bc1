---What a WebSocket sends: a queue of frames, and `push` writes of it what fits.
---
---So a task that is killed or cancelled while it sends leaves no half frame
---behind: whoever comes next, a sender or a receiver, writes the rest.
---@class miniloop.websocket.output
---@field closing boolean our Close is in the queue, or was sent: nothing
---follows
---@field err miniloop.error|false why nothing can be written any more
---@field private sent integer bytes that the connection has taken
---@field private conn miniloop.net.stream
---@field private messages table core.websocket's object, which makes frames
---@field private packing miniloop.websocket.packing?
---@field private fragment number bytes at which messages are split
---@field private patience number seconds in which the peer must take something
---@field private frames string[] those to be written, from `first` to `last`
---@field private first integer
---@field private last integer
---@field private at integer the first byte of the first one that is not out
---@field private pong string|false what the peer's last Ping wants back
local output = {}
output.__index = output

local core = require "miniloop.core"

-- What is written at a time, so that a long frame is not copied for each write.
local piece = 1 << 18

---@param conn miniloop.net.stream
---@param messages table
---@param options miniloop.websocket.options
---@param packing miniloop.websocket.packing?
---@return miniloop.websocket.output
function output.new(conn, messages, options, packing)
  return setmetatable({
    closing = false,
    err = false,
    sent = 0,
    conn = conn,
    messages = messages,
    packing = packing,
    fragment = options.fragment or math.huge,
    patience = 2 * (options.ping or math.huge),
    frames = {},
    first = 1,
    last = 0,
    at = 1,
    pong = false,
  }, output)
end

-- ------------------------------------------------------------------ the queue

---Puts a control frame behind the frame under way, before the rest of its
---message: a peer that asks whether we live should not wait for it.
local function add_control(self, kind, data)
  local frame = self.messages:frame(kind, data, true)
  if frame then
    local place = self.first + (self.at > 1 and 1 or 0)
    table.move(self.frames, place, self.last, place + 1)
    self.frames[place] = frame
    self.last = self.last + 1
  end
end

---Asks the peer whether it is there.
function output:ping()
  if not self.closing then
    add_control(self, "ping", "")
  end
end

---Answers a Ping. Of many that could not be answered yet, the last one is: RFC
---6455, 5.5.3. So a peer that asks and never reads costs no memory.
---@param data string
function output:answer(data)
  self.pong = not self.closing and data
end

---Adds the frames of a message: one, or as many as the option says.
local function add_frames(self, data, kind, packed)
  local from = 1
  repeat
    local to = math.min(from + self.fragment - 1, #data)
    local frame, err = self.messages:frame(kind,
      from == 1 and to == #data and data or data:sub(from, to), to >= #data,
      packed)
    if not frame then
      return nil, err
    end
    self.last = self.last + 1
    self.frames[self.last] = frame
    kind, from, packed = "continuation", to + 1, false
  until from > #data
  return true
end

---Adds a message.
---@param data string
---@param kind string
---@return true? ok
---@return miniloop.error? err no key for masking could be had
function output:add(data, kind)
  local packing = self.packing
  local packed = packing and packing:pack(data)
  local ok, err = add_frames(self, packed or data, kind, packed ~= nil)
  if ok and packed then
    packing:sent()
  end
  return ok, err
end

---Adds our Close behind the frame under way: what else was to be sent, is not.
---@param code integer? none: without one
---@param reason string?
function output:close(code, reason)
  if self.closing then
    return
  end
  local under_way = self.at > 1
  self.frames = { under_way and self.frames[self.first] or nil }
  self.first, self.last = 1, under_way and 1 or 0
  self.pong = false
  self.closing = true
  local data = code and string.pack(">I2", code) .. (reason or "") or ""
  add_control(self, "close", data)
end

---Whether something is still to be written.
function output:pending()
  return self.first <= self.last or self.pong or self.conn:unsent() > 0
end

-- -------------------------------------------------------------------- writing

---Nothing can be written any more: what was not, never will be.
local function give_up(self, err)
  self.frames, self.first, self.last, self.at = {}, 1, 0, 1
  self.pong = false
  self.closing = true
  self.err = err
  return nil, err
end

---Writes the next piece of the first frame. True if it went as a whole.
local function push_piece(self)
  local frame, at = self.frames[self.first], self.at
  local last = math.min(at + piece - 1, #frame)
  local bytes = last - at + 1 == #frame and frame or frame:sub(at, last)
  local n, err = self.conn:writesome(bytes)
  if not n then
    return give_up(self, err)
  end
  self.at = at + n
  self.sent = self.sent + n
  if self.at > #frame then
    self.frames[self.first] = nil
    self.first, self.at = self.first + 1, 1
  end
  return n == #bytes
end

---Sends what TLS has taken of the frames. True if nothing of it is left.
local function push_rest(self)
  local n, err = self.conn:writesome("")
  if not n then
    return give_up(self, err)
  end
  return self.conn:unsent() == 0
end

---Writes the next of what there is. True if it went as a whole.
local function push_next(self)
  if self.first > self.last and not self.pong then
    return push_rest(self)
  elseif self.pong and self.at == 1 then
    add_control(self, "pong", self.pong)
    self.pong = false
    return true
  end
  return push_piece(self)
end

---Writes what fits, and never waits: so any task may do it at any time.
---@return boolean? done false: not all of it
---@return miniloop.error? err
function output:push()
  while self:pending() do
    local done, err = push_next(self)
    if not done then
      return done, err
    end
  end
  return not self.err or nil, self.err or nil
end

---How many bytes have gone out so far.
---@return integer
function output:gone()
  return self.sent - self.conn:unsent()
end

---Waits until the peer has room, or its time to take something is over; the
---second result tells which.
local function wait(self, deadline)
  local timeout = deadline and math.max(deadline - core.now(), 0)
  local patient = self.patience >= (timeout or math.huge)
  local ok, err = core.wait_io_write(self.conn,
    patient and timeout or self.patience)
  if not ok and err.code == "ETIMEDOUT" and not patient then
    return true, true
  end
  return ok, err
end

local function lose(self)
  local peer = self.conn:peer()
  local err = core.error("ETIMEDOUT", "write", peer ~= "unix:" and peer or nil,
    "the peer does not read")
  self.conn:close()
  return give_up(self, err)
end

---Waits until all is written. A peer that is to be asked whether it is there is
---gone if it takes nothing for as long as it would have for an answer; a little
---is enough, for which the system would not yet tell that there is room.
---@param deadline number? as of core.now
---@return true? ok
---@return miniloop.error? err ETIMEDOUT: the rest is written later
function output:drain(deadline)
  local done, err = self:push()
  while done == false do
    local gone = self:gone()
    local ok, late = wait(self, deadline)
    if not ok then
      return nil, late
    end
    done, err = self:push()
    if done == false and late == true and self:gone() == gone then
      return lose(self)
    end
  end
  return done, err
end

return output
