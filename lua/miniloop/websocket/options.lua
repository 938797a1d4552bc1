---The options that both ends of a WebSocket take.
---@class miniloop.websocket.options
---@field maxmessage integer? bytes that a message may have; 1 MiB unless given
---@field maxframe integer? bytes of one frame; as many as a message unless
---given
---@field fragment integer? bytes at which messages that are sent are split
---@field ping number? asks the peer after so many seconds of silence, and takes
---it for gone after as many more
---@field close_timeout number? seconds for the closing handshake; 5 unless
---given
---@field subprotocols string[]? that are offered, or spoken, the best first
local options = {}

local core = require "miniloop.core"
local misuse = require "miniloop.misuse"

---The types of them, for misuse.options.
options.types = {
  maxmessage = "number", maxframe = "number", fragment = "number",
  ping = "number", close_timeout = "number", subprotocols = "table",
}

-- What a number must be at least; where that is an integer, it is one.
local least = {
  maxmessage = 0, maxframe = 0, fragment = 1, ping = 0.0, close_timeout = 0.0,
}

local function fits(value, from)
  local whole = math.type(from) == "integer"
  return value == value and value >= from
    and (not whole or math.tointeger(value) ~= nil)
end

---@param protocol any
function options.is_token(protocol)
  return type(protocol) == "string"
    and protocol:find("^[%w!#$%%&'*+.^_`|~-]+$") ~= nil
end

---Raises for values that cannot be, at the line of who called the public
---function of that name, which calls this.
---@param given table?
---@param i integer the number of the argument
---@param name string
---@param types table<string, string> these types and those of other options
---@return table given or an empty one
function options.check(given, i, name, types)
  misuse.options(given, i, name, types, 1)
  given = given or {}
  for key, from in pairs(least) do
    if given[key] and not fits(given[key], from) then
      error(("bad option '%s' of '%s' (%s from %d on expected)"):format(key,
        name, math.type(from) == "integer" and "an integer" or "a number",
        from), 3)
    end
  end
  for _, protocol in ipairs(given.subprotocols or {}) do
    if not options.is_token(protocol) then
      error(("bad option 'subprotocols' of '%s' (a list of names expected)")
        :format(name), 3)
    end
  end
  return given
end

---The messages of one end, made so that they keep to the limits.
---@param client boolean
---@param given miniloop.websocket.options
---@return table? messages
---@return miniloop.error? err ENOTSUP: wslay is not there
function options.messages(client, given)
  local maxmessage = math.tointeger(given.maxmessage or 1 << 20)
  return core.websocket.new(client, maxmessage,
    math.tointeger(given.maxframe) or maxmessage)
end

return options
