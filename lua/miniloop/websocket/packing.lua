---The messages of one WebSocket packed and unpacked, as was agreed on: RFC
---7692, section 7.2.
---
---Unless a side keeps its context, each message stands for itself. Then all
---connections share what packs them, for nothing of it waits: one that is idle
---costs no memory (zlib takes 260 kB to pack, and 40 to unpack).
---@class miniloop.websocket.packing
---@field private agreement miniloop.websocket.agreement
---@field private want miniloop.websocket.deflate
---@field private max integer bytes of a message that comes
---@field private inflater table|false|nil its own; false while it is at work,
---and ever after if that had no end
---@field private deflater table|false|nil the same
---@field private at_work table? the deflater of what is not sent yet
local packing = {}
packing.__index = packing

local core = require "miniloop.core"

-- zlib packs with no smaller window; then messages go as they are.
local bits_least <const> = 9

-- What a packed message would end with, and does not: an empty block.
local tail <const> = "\0\0\xFF\xFF"

---@type table<string, table> by what they are, while somebody uses them
local shared = setmetatable({}, { __mode = "v" })

---@param agreement miniloop.websocket.agreement
---@param want miniloop.websocket.deflate
---@param max integer
---@return miniloop.websocket.packing
function packing.new(agreement, want, max)
  return setmetatable({ agreement = agreement, want = want, max = max },
    packing)
end

---Whether there is what it takes.
---@return boolean
function packing.available()
  local inflater <close> = core.gzip.inflater "raw"
  return inflater ~= nil
end

---One that all share, as new.
local function borrow(key, make)
  local own = shared[key] or make()
  shared[key] = own
  if own then
    own:reset()
  end
  return own
end

-- -------------------------------------------------------------------- packing

local function own_deflater(self)
  if self.deflater == nil then
    self.deflater = core.gzip.deflater("raw", self.want.level,
      self.agreement.bits) or false
  end
  local deflater = self.deflater
  self.deflater = false
  return deflater
end

---Packs a message, if that is worth it. What was packed must be sent: `sent` is
---called when that is certain. Should it not be, for whatever reason, what
---follows could not be unpacked, and is not packed.
---@param data string
---@return string? packed
function packing:pack(data)
  local bits, level = self.agreement.bits, self.want.level
  if #data < self.want.least or bits < bits_least then
    return nil
  elseif self.agreement.keep_out then
    local deflater = own_deflater(self)
    self.at_work = deflater
    return deflater and deflater:write(data, "flush"):sub(1, -#tail - 1) or nil
  end
  local deflater = borrow(("out %d %d"):format(bits, level), function()
    return (core.gzip.deflater("raw", level, bits))
  end)
  local packed = deflater and deflater:write(data, "flush")
  return packed and #packed - #tail < #data and packed:sub(1, -#tail - 1) or nil
end

---The message that was packed is sent.
function packing:sent()
  if self.agreement.keep_out then
    self.deflater = self.at_work
  end
end

-- ------------------------------------------------------------------ unpacking

local function take_inflater(self)
  if not self.agreement.keep_in then
    return borrow("in", function()
      return (core.gzip.inflater "raw")
    end)
  end
  local inflater = self.inflater
  if inflater == nil then
    inflater = core.gzip.inflater "raw"
  end
  self.inflater = false
  return inflater
end

---Adds what it gives to the pieces; their size, or nil, and as `unpack`.
local function drain(inflater, pieces, size, max)
  local piece, err = inflater:next()
  while piece do
    size = size + #piece
    if size > max then
      return nil, 1009, "a message is longer than the limit"
    end
    pieces[#pieces + 1] = piece
    piece, err = inflater:next()
  end
  if not err then
    return size
  elseif err.code == "ENOMEM" then
    return nil, 1011, "not enough memory"
  end
  return nil, 1007, "a message is not packed as it should be"
end

---The message, in pieces. What ends with a final block (BFINAL) is complete
---without the tail.
local function unpack_all(inflater, data, max)
  local pieces = {}
  inflater:feed(data)
  local size, code, fault = drain(inflater, pieces, 0, max)
  if size and not inflater:ended() then
    inflater:feed(tail)
    size, code, fault = drain(inflater, pieces, size, max)
  end
  if size and not inflater:between() then
    return nil, 1007, "a packed message is cut off"
  end
  return size and pieces, code, fault
end

---Unpacks a message. It stops as soon as there is more than a message may have.
---@param data string
---@param kind string
---@return string? message
---@return integer? code to close with
---@return string? fault
function packing:unpack(data, kind)
  local inflater = take_inflater(self)
  if not inflater then
    return nil, 1011, "not enough memory"
  end
  local pieces, code, fault = unpack_all(inflater, data, self.max)
  if self.agreement.keep_in then
    self.inflater = inflater
  end
  if not pieces then
    return nil, code, fault
  end
  local message = table.concat(pieces)
  if kind == "text" and not core.websocket.isutf8(message) then
    return nil, 1007, "a text is not UTF-8"
  end
  return message
end

---Frees what it has of its own. Nothing is packed or unpacked any more.
function packing:close()
  for _, side in ipairs { "inflater", "deflater" } do
    if self[side] then
      self[side]:close()
    end
    self[side] = false
  end
end

return packing
