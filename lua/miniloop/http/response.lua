---What a handler answers piece by piece: `res`.
---
---Nothing is sent before the first `write`; until then status and fields can be
---set.
---
---@class miniloop.http.response
---@field status integer?   200 unless it is set
---@field headers table<string, string|number|table|false>
---@field trailers table?   fields behind the body; clients seldom look at them
---@field private wire userdata? nil once the request is over
---@field private begun boolean
local response = {}

local core = require "miniloop.core"
local misuse = require "miniloop.misuse"

local http = core.http

---@class miniloop.http.response
local methods = {}

local response_meta = {}

---The responses of requests that have one.
---@type table<miniloop.http.request, miniloop.http.response>
response.of = setmetatable({}, { __mode = "k" })

-- ------------------------------------------------------- fields in any case

local fields_meta = {}

---The spelling under which a field is there.
local function spelling(fields, name)
  if type(name) ~= "string" then
    return nil
  end
  local lower = name:lower()
  for other in next, fields do
    if other:lower() == lower then
      return other
    end
  end
end

function fields_meta.__index(fields, name)
  local other = spelling(fields, name)
  return other and rawget(fields, other)
end

function fields_meta.__newindex(fields, name, value)
  if type(name) ~= "string" then
    error(("the name of a header field must be a string, not a %s"):format(
      type(name)), 2)
  end
  rawset(fields, spelling(fields, name) or name, value)
end

---A table of fields to be sent, in which a name is found in any case.
---@param from table?
---@return table
function response.fields(from)
  local fields = setmetatable({}, fields_meta)
  for name, value in pairs(from or {}) do
    fields[name] = value
  end
  return fields
end

-- ------------------------------------------------------------------ the object

---The response to what was read last from a wire.
---@return miniloop.http.response
function response.new(wire)
  return setmetatable({ wire = wire, begun = false }, response_meta)
end

local settable = { status = true, headers = true, trailers = true }
local known = { status = true, headers = true, trailers = true }

function response_meta.__index(self, key)
  local method = methods[key]
  if method then
    return method
  elseif key == "headers" then
    local fields = response.fields()
    rawset(self, "headers", fields)
    return fields
  elseif not settable[key] then
    error(core.unknown("a response", key, known), 2)
  end
end

function response_meta.__newindex(self, key, value)
  if not settable[key] then
    error(core.unknown("a response", key, settable), 2)
  elseif key == "headers" then
    value = response.fields(value)
  end
  rawset(self, key, value)
end

-- ------------------------------------------------------------------- the head

---The wire, as long as the request is not over: behind that it is the next
---one's. Raises at the line that called the method which calls this.
local function wire_of(self)
  return rawget(self, "wire") or error("the request is over", 3)
end

---Puts the head on its way, at the line that is `level` above.
local function begin(self, media_type, level)
  local fields = rawget(self, "headers")
  local why = fields and http.refusal(fields)
  if why then
    error(why, level + 1)
  end
  self.wire:begin(self.status or 200, fields, nil, media_type)
  rawset(self, "begun", true)
end

---The media type of a text that is written without one.
local function type_of(text)
  local opening = text:match("^%s*(<%S*)"):lower()
  return (opening == "<!doctype" or opening:find("^<html"))
    and "text/html; charset=utf-8" or "text/plain; charset=utf-8"
end

local function default_type(text)
  return text:find("^%s*<") and type_of(text) or "text/plain; charset=utf-8"
end

---What is written, as one text. Raises at the line that called the method which
---calls this.
local function joined(...)
  local pieces = table.pack(...)
  for i = 1, pieces.n do
    local kind = type(pieces[i])
    if kind ~= "string" and kind ~= "number" then
      misuse.mismatch(pieces[i], i, "write", "string", 1)
    end
  end
  return table.concat(pieces)
end

---Sends some of the body, and the head before it. Waits while the client takes
---nothing.
---@param ... string|number
---@return true? ok
---@return miniloop.error? err
function methods:write(...)
  local text = ...
  if select("#", ...) ~= 1 or type(text) ~= "string" then
    text = joined(...)
  end
  local wire = wire_of(self)
  if not self.begun then
    begin(self, default_type(text), 2)
  end
  return wire:write(text)
end

---Sends the head now, and what was written.
---@return true? ok
---@return miniloop.error? err
function methods:flush()
  local wire = wire_of(self)
  if not self.begun then
    begin(self, nil, 2)
  end
  return wire:flush()
end

---Ends the body. The server does so when the handler returns.
---@return true? ok
---@return miniloop.error? err
function methods:finish()
  local wire = wire_of(self)
  if not self.begun then
    begin(self, nil, 2)
  end
  local why = self.trailers and http.trailers_refusal(self.trailers)
  if why then
    error(why, 2)
  end
  return wire:finish(self.trailers)
end

---Sets a cookie: adds a field Set-Cookie, see miniloop.http.cookie.
---@param name string
---@param value string
---@param options miniloop.http.cookie_attributes?
function methods:cookie(name, value, options)
  local format = require "miniloop.http.cookie".format
  local ok, text = pcall(format, name, value, options)
  if not ok then
    error((text:gsub("'format'", "'cookie'")), 2)
  elseif self.begun then
    error("the head was sent already", 2)
  end
  local set = self.headers["Set-Cookie"] or {}
  set = type(set) == "table" and set or { set }
  set[#set + 1] = text
  self.headers["Set-Cookie"] = set
end

---Begins server-sent events: see miniloop.http.events.
---@param options miniloop.http.events_options?
---@return miniloop.http.events
function methods:events(options)
  return require "miniloop.http.events".new(self, options)
end

---How many responses there are, at least: while there are none, as is usual,
---nobody looks for his.
response.live = 0

---Makes the response of a request what is given.
---@param req miniloop.http.request
---@param res table
function response.set(req, res)
  if not response.of[req] then
    response.live = response.live + 1
  end
  response.of[req] = res
end

---Gives the response a task that is of no more use when it is over.
---@param task miniloop.task
function methods:attend(task)
  local tasks = rawget(self, "tasks")
  if not tasks then
    tasks = {}
    rawset(self, "tasks", tasks)
  end
  tasks[#tasks + 1] = task
end

---Forgets the response of a request that is over, and ends its tasks.
---@param req miniloop.http.request
function response.release(req)
  local self = response.of[req]
  if not self then
    return
  end
  response.of[req] = nil
  response.live = response.live - 1
  rawset(self, "wire", nil)
  for _, task in ipairs(rawget(self, "tasks") or {}) do
    task:kill()
  end
end

return response
