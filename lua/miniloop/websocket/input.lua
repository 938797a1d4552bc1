---What a WebSocket reads: bytes as they come, and whether the peer is still
---there.
---@class miniloop.websocket.input
---@field private conn miniloop.net.stream
---@field private output miniloop.websocket.output
---@field private silence number seconds after which the peer is asked
---@field private heard number when it was last heard of, or asked
---@field private asked integer|false how much was sent when it was asked
local input = {}
input.__index = input

local core = require "miniloop.core"
local syscall = require "miniloop.syscall"

---@param conn miniloop.net.stream
---@param output miniloop.websocket.output
---@param options miniloop.websocket.options
---@return miniloop.websocket.input
function input.new(conn, output, options)
  return setmetatable({
    conn = conn,
    output = output,
    silence = options.ping or math.huge,
    heard = core.now(),
    asked = false,
  }, input)
end

---Waits for bytes while somebody who sent was ended in the midst of it: what he
---has left goes out as soon as it fits.
local function wait_both(self, timeout)
  core.any {
    syscall.wait_io_read(self.conn), syscall.wait_io_write(self.conn),
    syscall.sleep(timeout),
  }
  return self.conn:recv(nil, 0)
end

local function recv(self, timeout)
  timeout = math.max(timeout, 0)
  if self.output:pending() and self.output:push() == false then
    return wait_both(self, timeout)
  end
  return self.conn:recv(nil, timeout)
end

local function fault(self, code, reason)
  local peer = self.conn:peer()
  return core.error(code, "recv", peer ~= "unix:" and peer or nil, reason)
end

---The peer has been silent for as long as it may: asks it, or gives the error
---that it is gone. One that takes what is being sent is not: it cannot even
---have seen yet that it was asked.
local function ask(self)
  local output = self.output
  output:push()
  if self.asked == output:gone() then
    return fault(self, "ETIMEDOUT", "the peer does not answer")
  elseif not self.asked then
    output:ping()
    output:push()
  end
  self.asked = output:gone()
  self.heard = core.now()
end

---No bytes have come. Gives the error if it is the end of the connection.
local function take_silence(self, err)
  if not err or err.code == "ETLS_TRUNCATED" then
    return fault(self, "ECONNRESET", "it ended without a closing handshake")
  elseif err.code ~= "ETIMEDOUT" then
    return err
  elseif core.now() >= self.heard + self.silence then
    return ask(self)
  end
end

---The next bytes. While it waits for them, the peer is asked whether it is
---there, and what is left to be sent goes out.
---@param deadline number as of core.now
---@return string? bytes
---@return miniloop.error? err
---@return boolean? lost nothing comes any more; otherwise it was the deadline
function input:bytes(deadline)
  while true do
    local due = math.min(deadline, self.heard + self.silence)
    local bytes, err = recv(self, due - core.now())
    if bytes then
      self.heard = self.silence < math.huge and core.now() or 0
      self.asked = false
      return bytes
    end
    local lost = take_silence(self, err)
    if lost then
      return nil, lost, true
    elseif core.now() >= deadline then
      return nil, fault(self, "ETIMEDOUT")
    end
  end
end

return input
