---An answer, as the client's user sees it.

local core = require "miniloop.core"
local gzip = require "miniloop.gzip"
local json = require "miniloop.json"

---@class miniloop.http.client.response
---@field status integer
---@field ok boolean          the status is one of success, 200 to 299
---@field reason string       the words behind the status
---@field headers table       by name, in any case
---@field url string          where it came from, behind all redirects
---@field body string?        all of it; nil of a streamed answer
---@field private lease miniloop.http.lease?
---@field private decoder miniloop.http.decoder?
---@field private failed miniloop.error? what ended the body
---@field private seconds number? that a piece of the body may take
local response = {}

local response_meta = { __name = "miniloop.http.client.response" }

-- ------------------------------------------------------------------ decoding

-- Codings of RFC 9110, 8.4.1. Some say "deflate" and send that of RFC 1951: the
-- head of the right one (RFC 1950) has an 8 there that the other never has.
local codings = { gzip = "gzip", ["x-gzip"] = "gzip", deflate = "deflate" }

---@class miniloop.http.decoder
---@field wire table
---@field coding string? "gzip" or "deflate"
---@field inflater table? made when the first bytes have come
local decoder = {}

local decoder_meta = { __index = decoder }

local function open_inflater(self, bytes)
  local format = self.coding
  if format == "deflate" and bytes:byte() & 0x0F ~= 8 then
    format = "raw"
  end
  local err
  self.inflater, err = gzip.inflater(format)
  return self.inflater, err
end

---Feeds what comes next to the inflater; nil at the end.
local function feed(self)
  local bytes, err = self.wire:body()
  if not bytes then
    if not err and self.inflater and not self.inflater:ended() then
      err = core.error("EBADMSG", "inflate", nil, "the body is cut off")
    end
    return nil, err
  end
  local inflater = self.inflater
  if not inflater then
    inflater, err = open_inflater(self, bytes)
  end
  if not inflater then
    return nil, err
  end
  inflater:feed(bytes)
  return true
end

---The next bytes of the body, unpacked; nil at the end.
function decoder:next()
  if not self.coding then
    return self.wire:body()
  end
  while true do
    local bytes, err
    if self.inflater then
      bytes, err = self.inflater:next()
    end
    if not bytes and not err then
      local fed
      fed, err = feed(self)
      if not fed then
        return nil, err
      end
    elseif bytes or err then
      return bytes, err
    end
  end
end

-- ----------------------------------------------------------------- an answer

---Makes an answer of a head that was read. The connection is the answer's from
---now on.
---@param held miniloop.http.lease
---@param head table
---@param unpack boolean whether a packed body was asked for
---@return miniloop.http.client.response
function response.new(held, head, unpack)
  local headers = core.http.headers(head)
  local coding = unpack and head.framing ~= "none"
    and headers["content-encoding"]
  coding = coding and codings[coding:lower()]
  if coding then
    headers["content-encoding"], headers["content-length"] = nil, nil
  end
  held.state = "given"
  return setmetatable({
    status = head.status,
    ok = head.status >= 200 and head.status < 300,
    reason = head.reason,
    headers = headers,
    lease = held,
    decoder = setmetatable({ wire = held.wire, coding = coding },
      decoder_meta),
  }, response_meta)
end

---The end of the body: the connection is for somebody else, if it can be.
local function finish(self)
  local held = self.lease
  self.lease, self.decoder = nil, nil
  local writer = held.writer
  local sent = not writer or writer:status() == "done" and not held.failed
  if sent and held.wire:persistent() then
    held:give_back()
  else
    held:close()
  end
end

---Reads the next bytes, without a limit of time.
local function next_piece(self)
  if not self.lease then
    return nil
  end
  local piece, err = self.decoder:next()
  if err then
    err.address = err.address or self.url
    self.failed = err
    response.close(self)
    return nil, err
  elseif not piece then
    finish(self)
  end
  return piece
end

---Reads all of the body into `body`; the connection is free then.
---@param max integer bytes that it may have
---@return true? ok
---@return miniloop.error? err EMSGSIZE: it is longer
function response.load(self, max)
  local pieces, size = {}, 0
  local piece, err = next_piece(self)
  while piece do
    size = size + #piece
    if size > max then
      response.close(self)
      return nil, core.error("EMSGSIZE", "body", self.url,
        ("more than %d bytes"):format(max))
    end
    pieces[#pieces + 1] = piece
    piece, err = next_piece(self)
  end
  if err then
    return nil, err
  end
  self.body = pieces[2] and table.concat(pieces) or pieces[1] or ""
  return true
end

---Reads what little there may be left of the body, so that the connection can
---be used again.
---@param max integer
function response.skip(self, max)
  local left = max
  while self.lease and left > 0 do
    local piece = next_piece(self)
    left = left - #(piece or "")
  end
  response.close(self)
end

-- What users call; a field and a method are told apart by their names alone.
local methods = {}

---Some bytes of the body of a streamed answer, as they come; nil at the end.
---@return string? bytes
---@return miniloop.error? err
function methods:read()
  core.place("read", true)
  local body = self.body
  if body then
    local taken = self.taken
    self.taken = true
    return not taken and body ~= "" and body or nil
  elseif self.failed then
    return nil, self.failed
  end
  local seconds = self.seconds
  if not seconds or seconds == math.huge then
    local piece, err = next_piece(self)
    return piece, err
  end
  local piece, err = core.timeout(seconds, next_piece, self)
  if err and err.op == "timeout" then
    response.close(self)
    err = core.error("ETIMEDOUT", "body", self.url)
    self.failed = err
  end
  return piece, err
end

---For loops: the body in pieces, as they come; raises what goes wrong. A loop
---that is left early closes the connection.
---@return fun(): string?
---@return nil
---@return nil
---@return miniloop.http.client.response closed
function methods:chunks()
  core.place("chunks", false)
  local body = self.body
  if body then
    return function()
      local piece = body
      body = nil
      return piece ~= "" and piece or nil
    end
  end
  local function next_chunk()
    local piece, err = methods.read(self)
    if err then
      error(err, 0)
    end
    return piece
  end
  return next_chunk, nil, nil, self
end

---The body of a streamed answer, as far as it was not read yet.
local function rest(self)
  local pieces = {}
  local piece, err = methods.read(self)
  while piece do
    pieces[#pieces + 1] = piece
    piece, err = methods.read(self)
  end
  if err then
    return nil, err
  end
  return table.concat(pieces)
end

---What the body says as JSON.
---@return any value
---@return miniloop.error? err
function methods:json()
  core.place("json", not self.body)
  local text, err = self.body, nil
  if not text then
    text, err = rest(self)
  end
  if not text then
    return nil, err
  end
  local value
  value, err = json.decode(text)
  if err then
    err.address = self.url
  end
  return value, err
end

---Ends a streamed answer that is not read to its end: its connection closes.
function methods:close()
  response.close(self)
end

---@private
function response.close(self)
  local held = self.lease
  self.lease, self.decoder = nil, nil
  if held then
    held:close()
  end
end

response_meta.__close = response.close

function response_meta.__tostring(self)
  return ("response: %d %s"):format(self.status, self.url or "")
end

-- What reads as nil where it does not apply.
local optional = {
  body = true, failed = true, lease = true, decoder = true, seconds = true,
  taken = true, url = true,
}

local fields = {
  status = true, ok = true, reason = true, headers = true, url = true,
  body = true,
}
for name in pairs(methods) do
  fields[name] = true
end

function response_meta.__index(_, key)
  local method = methods[key]
  if method then
    return method
  elseif not optional[key] then
    error(core.unknown("a response", key, fields), 2)
  end
end

return response
