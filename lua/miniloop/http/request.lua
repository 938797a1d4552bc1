---What a client asks: `req`. It is made in C, of a head that was read; what is
---here is made of it when it is asked for.
---@class miniloop.http.request
---@field method string       "GET"
---@field target string       as it was sent: "/path?name=value"
---@field path string         "/path", coded as it was sent
---@field querystring string? what stands behind the "?"
---@field query table<string, string> decoded; the first of each name
---@field params table<string, string> of the route, decoded; "*" is the rest
---@field tail string?        what the "*" stands for, as it was sent
---@field headers table<string, string> by name, in any case
---@field host string?        with the port, if it was sent
---@field version string      "1.0" or "1.1"
---@field cookies table<string, string> that the client has sent, by name
---@field length integer?     of the body, if it was told before
---@field peer string?        the address of the client
---@field context table       for what handlers have to say to each other
---@field response miniloop.http.response
local request = {}

local core = require "miniloop.core"
local response = require "miniloop.http.response"
local url = require "miniloop.url"

local http = core.http
local makers = http.makers

---@param name string
---@param maker fun(req: miniloop.http.request): any
local function member(name, maker)
  makers[name] = maker
  http.members[name] = true
end

---The wire of a request, for a method of it. Raises, at the line that called
---the method, if the request is over.
local function wire_of(req)
  local wire = http.wire_of(req)
  if not wire then
    error("the request is over", 3)
  end
  return wire
end

-- --------------------------------------------------------------------- members

member("query", function(req)
  return (url.decode_query(req.querystring or ""))
end)

member("params", function()
  return {}
end)

member("tail", function()
  return nil
end)

member("context", function()
  return {}
end)

member("cookies", function(req)
  return require "miniloop.http.cookie".parse(req.headers.cookie or "")
end)

member("peer", function(req)
  return (wire_of(req):stream():peer())
end)

member("response", function(req)
  local res = response.new(wire_of(req))
  response.set(req, res)
  return res
end)

-- ------------------------------------------------------------------------ body

---What was asked for is more than there is room for.
local function too_long(limit)
  local err = core.error("EMSGSIZE", "body", nil,
    ("the body is longer than %d bytes"):format(limit))
  err.status = 413
  return nil, err
end

---The pieces of the body, as they come: each, or nil, or nil and an error. One
---that is known to be too long is not even asked for.
local function pieces_of(req, limit)
  if req.length and req.length > limit then
    return function()
      return too_long(limit)
    end
  end
  local left = limit
  return function()
    local wire = http.wire_of(req) or error("the request is over", 0)
    local piece, err = wire:body()
    if piece then
      left = left - #piece
      if left < 0 then
        return too_long(limit)
      end
    end
    return piece, err
  end
end

---The same of pieces or parts for loops, which raises errors.
local function raising(req, next_one)
  return function()
    wire_of(req) -- at the line of the loop
    local one, err = next_one()
    if err then
      error(err, 0)
    end
    return one
  end
end

---The body as it comes, piece by piece. Raises what goes wrong.
---@param limit integer? bytes; the server's `upload` unless given
---@return fun(): string?
function request:chunks(limit)
  limit = limit or wire_of(self):limit("upload")
  return raising(self, pieces_of(self, limit))
end

---Reads on to the end: a list of pieces.
local function collect(wire, first, limit)
  local pieces, size = { first }, #first
  while true do
    local piece, err = wire:body()
    if not piece then
      return pieces, err
    end
    pieces[#pieces + 1] = piece
    size = size + #piece
    if size > limit then
      return too_long(limit)
    end
  end
end

local function read_body(wire, limit)
  local first, err = wire:body()
  if not first then
    return not err and "" or nil, err
  elseif #first > limit then
    return too_long(limit)
  elseif not wire:unread() then
    return first
  end
  local pieces
  pieces, err = collect(wire, first, limit)
  if err then
    return nil, err
  end
  return table.concat(pieces)
end

---All of the body, read when it is first asked for; "" if there is none.
---@param limit integer? bytes; the server's `body` unless given
---@return string? body
---@return miniloop.error? err with a `status`: returned by a handler, or
---raised, it is the answer
function request:body(limit)
  local body = http.noted(self, "text")
  if body then
    return body
  end
  local wire = wire_of(self)
  limit = limit or wire:limit("body")
  if self.length and self.length > limit then
    return too_long(limit)
  end
  local err
  body, err = read_body(wire, limit)
  if body then
    http.note(self, "text", body)
  end
  return body, err
end

local function bad_body(op, reason, status)
  local err = core.error("EINVAL", op, nil, reason)
  err.status = status
  return nil, err
end

---The body as JSON.
---@return any value
---@return miniloop.error? err
function request:json()
  local body, err = self:body()
  if not body then
    return nil, err
  end
  local value
  value, err = require "miniloop.json".decode(body)
  if err and err.code == "ENOTSUP" then
    return nil, err -- nothing is wrong with the body: jansson is missing here
  elseif err then
    return bad_body("json", tostring(err), 400)
  end
  return value
end

local form_type = "application/x-www-form-urlencoded"
local parts_type = "multipart/form-data"

---The parts of a body that has some.
local function reader_of(req, limit)
  local multipart = require "miniloop.http.multipart"
  local boundary = multipart.boundary(req.headers["content-type"])
  if not boundary then
    return bad_body("form", "the body is no " .. parts_type, 415)
  end
  return multipart.reader(pieces_of(req, limit), boundary)
end

---A file in a form.
---@class miniloop.http.file
---@field filename string as the client calls it: never a path to be trusted
---@field type string?    the media type, as the client has it
---@field data string

---The fields of a form in parts.
local function collect_parts(req, limit)
  local fields, list = {}, {}
  local reader, err = reader_of(req, limit)
  local part, data
  if reader then
    part, err = reader:next()
  end
  while part do
    data, err = part:body(limit)
    if not data then
      break
    end
    local value = part.filename
      and { filename = part.filename, type = part.type, data = data } or data
    list[#list + 1] = { part.name, value }
    fields[part.name] = fields[part.name] or value
    part, err = reader:next()
  end
  if err then
    return nil, err
  end
  return fields, list
end

---The fields of a form as browsers send them, by name; the first of each. Files
---are tables.
---@return table<string, string|miniloop.http.file>? fields
---@return miniloop.error|table[]|nil err_or_list all, as { name, value }
function request:form()
  local media_type = (self.headers["content-type"] or ""):match("^[^;%s]*")
  if media_type:lower() == parts_type then
    return collect_parts(self, wire_of(self):limit("body"))
  elseif media_type:lower() ~= form_type then
    return bad_body("form", ("the body is no %s or %s"):format(form_type,
      parts_type), 415)
  end
  local body, err = self:body()
  if not body then
    return nil, err
  end
  return url.decode_query(body)
end

---The parts of a form with files, as they come. Each is to be read before the
---next one. Raises what goes wrong.
---@param limit integer? bytes of all; the server's `upload` unless given
---@return fun(): miniloop.http.multipart.part?
function request:parts(limit)
  local reader, err =
    reader_of(self, limit or wire_of(self):limit("upload"))
  if not reader then
    error(err, 0)
  end
  return raising(self, function()
    return reader:next()
  end)
end

---The fields behind a body that came in chunks, once it was read.
---@return table<string, string>?
function request:trailers()
  return wire_of(self):trailers()
end

-- ------------------------------------------------------------- other protocols

---Begins server-sent events: see miniloop.http.events.
---@param options miniloop.http.events_options?
---@return miniloop.http.events
function request:events(options)
  return self.response:events(options)
end

---Makes a WebSocket of the connection: see miniloop.websocket.
function request:websocket(options)
  return require "miniloop.websocket".accept(self, options)
end

---Leaves HTTP: answers 101 and gives the stream, with what the client has sent
---behind its head. It is closed when the handler has ended. A body that nobody
---has read would be taken for what comes behind it: so it is refused.
---@param protocol string            for the field Upgrade
---@param headers table?             further fields
---@param leave fun(failed: boolean, err: any)? called when it is over
---@return miniloop.net.stream? conn
---@return miniloop.error? err
function request:upgrade(protocol, headers, leave)
  local wire = wire_of(self)
  if wire:unread() then
    error({ status = 400, message = "no body is expected here" }, 0)
  end
  local fields = response.fields(headers)
  fields.Upgrade, fields.Connection = protocol, "Upgrade"
  local why = http.refusal(fields)
  if why then
    error(why, 2)
  end
  wire:begin(101, fields)
  response.set(self, { leave = leave or false })
  local ok, err = wire:flush()
  if not ok then
    return nil, err
  end
  return wire:upgrade()
end

for name, method in pairs(request) do
  http.members[name] = method
end

return request
