---What a handler's results mean as an answer.
---
---    return "text"                  200, text, or HTML where it begins so
---    return { id = 1 }              200, JSON
---    return 404                     the status, with its text
---    return 201, body [, headers]   body: text, a table, an iterator, or what
---                                   is open to be read: a file, a stream
---    return function() ... end      200, piece by piece, until it gives nil
---    return nil, err                err.status, or 500 and a report
---    (nothing)                      what was written to `res`, or 204
local answer = {}

local core = require "miniloop.core"
local response = require "miniloop.http.response"

-- A state may come without io.
local type_of_file = io and io.type or function() end

---Fields of two tables in one; those of the second win.
local function merge(first, second)
  if not first or not second then
    return first or second
  end
  local fields = response.fields(first)
  for name, value in pairs(second) do
    fields[name] = value
  end
  return fields
end

-- ------------------------------------------------------- bodies by their types

local senders = {}

function senders.string(wire, status, fields, body)
  return wire:respond(status, fields, body)
end

function senders.number(wire, status, fields, body)
  return wire:respond(status, fields, tostring(body))
end

---A status that can have a body has its text for one.
senders["nil"] = function(wire, status, fields)
  return wire:respond(status, fields, answer.reason(status))
end

function senders.table(wire, status, fields, body)
  local text, err = require "miniloop.json".encode(body)
  if not text then
    error(err, 0)
  end
  return wire:respond(status, fields, text, "application/json")
end

---Piece by piece, as fast as the client takes them. A source that fails leaves
---the answer without its end: so the client sees that it is not whole.
senders["function"] = function(wire, status, fields, body)
  wire:begin(status, fields, nil, "application/octet-stream")
  local silent = wire:silent()
  local ok, err = true, nil
  while ok and not silent do
    local piece, why = body()
    if piece == nil and why ~= nil then
      error(why, 0)
    elseif piece == nil then
      break
    end
    ok, err = wire:write(piece)
  end
  if not ok then
    return nil, err
  end
  return wire:finish()
end

---A file of Lua's or a stream, to its end; closed then.
function senders.userdata(wire, status, fields, body)
  local _ <close> = body
  return senders["function"](wire, status, fields, function()
    if type_of_file(body) then
      return body:read(65536)
    end
    return body:recv()
  end)
end

---The text of a status, as a body; nil where there can be none.
---@param status integer
---@return string?
function answer.reason(status)
  if status < 200 or status == 204 or status == 205 or status == 304 then
    return nil
  end
  return core.http.reason(status) .. "\n"
end

local function can_be_read(body)
  if type(body) ~= "userdata" then
    return true
  end
  local meta = debug and debug.getmetatable(body)
  return type_of_file(body) == "file" or meta and type(meta.__index) == "table"
    and meta.__index.recv
end

local function send(wire, status, fields, body)
  local sender = senders[type(body)]
  if not sender or not can_be_read(body) then
    error(("a handler cannot answer with a %s"):format(type(body)), 0)
  end
  return sender(wire, status, fields, body)
end

-- ------------------------------------------------------------------- all of it

---What `res` was told, and what was returned, in one.
local function complete(wire, res, status, fields, body)
  if res then
    status = status or res.status
    fields = merge(rawget(res, "headers"), fields)
  end
  if status and (math.type(status) ~= "integer" or status < 200
    or status > 599) then
    error(("a handler cannot answer with the status %s (200 to 599 expected)")
      :format(tostring(status)), 0)
  elseif fields ~= nil and type(fields) ~= "table" then
    error(("the fields of an answer must be a table, not a %s"):format(
      type(fields)), 0)
  end
  return send(wire, status or 200, fields, body)
end

---Nothing was returned: there may be an answer already, or a part of it.
local function rest(wire, res)
  if wire:reply() ~= 0 then
    return wire:finish(res and rawget(res, "trailers"))
  elseif not res then
    return wire:respond(204)
  end
  return complete(wire, res, rawget(res, "status") or 204, nil, nil)
end

---Answers with the results of a handler; raises what is no answer.
---@param wire userdata
---@param res miniloop.http.response? if the handler has one
---@return true? ok
---@return miniloop.error|boolean err_or_gathers
---@return boolean? goes_on
function answer.give(wire, res, a, b, c)
  if a == nil then
    if b ~= nil then
      error(b, 0)
    end
    return rest(wire, res)
  elseif res and res.begun then
    error("a handler that has written to its response cannot return one", 0)
  elseif math.type(a) == "integer" then
    return complete(wire, res, a, c, b)
  end
  return complete(wire, res, nil, b, a)
end

return answer
