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
---@field deflate (boolean|miniloop.websocket.deflate)? messages may be packed
---(RFC 7692), where the peer wants that too and zlib is there; false unless
---given

---@class miniloop.websocket.deflate
---@field level integer? from 1, fast, to 9, as small as can be; 6 unless given
---@field least integer? bytes from which on a message is packed; 1024 unless
---given
---@field context boolean? what came before helps to pack what follows, for 300
---kB of memory that each connection then holds; false unless given

local options = {}

local core = require "miniloop.core"
local misuse = require "miniloop.misuse"

---The types of them, for misuse.options.
options.types = {
  maxmessage = "number", maxframe = "number", fragment = "number",
  ping = "number", close_timeout = "number", subprotocols = "table",
  deflate = "any",
}

-- What a number of bytes must be at least.
local least = { maxmessage = 0, maxframe = 0, fragment = 1 }

-- As all times, a negative one counts as 0.
local times = { "ping", "close_timeout" }

---@param protocol any
function options.is_token(protocol)
  return type(protocol) == "string"
    and protocol:find("^[%w!#$%%&'*+.^_`|~-]+$") ~= nil
end

local deflate_types = {
  level = "number", least = "number", context = "boolean",
}

local function is_integer(value, from, to)
  local n = math.tointeger(value)
  return value == nil or n ~= nil and n >= from and n <= to
end

---Raises at the line of who called the function that called options.check.
local function check_deflate(given, name)
  if given == nil or type(given) == "boolean" then
    return
  elseif type(given) ~= "table" then
    error(("bad option 'deflate' of '%s' (a boolean or a table expected)")
      :format(name), 4)
  end
  misuse.options(given, 1, "deflate", deflate_types, 2)
  if not is_integer(given.level, 1, 9) then
    error("bad option 'level' of 'deflate' (an integer from 1 to 9 expected)",
      4)
  elseif not is_integer(given.least, 0, math.maxinteger) then
    error("bad option 'least' of 'deflate' (an integer from 0 on expected)", 4)
  end
end

---What is wanted of packing; false: nothing.
---@param given miniloop.websocket.options
---@return miniloop.websocket.deflate|false
function options.deflate(given)
  local want = given.deflate
  if not want then
    return false
  elseif want == true then
    want = {}
  end
  return {
    level = math.tointeger(want.level or 6), context = want.context or false,
    least = math.max(want.least or 1024, 1),
  }
end

---@param given miniloop.websocket.options
---@return integer
function options.maxmessage(given)
  return math.tointeger(given.maxmessage or 1 << 20)
end

---As check_deflate.
local function check_numbers(given, name)
  for key, from in pairs(least) do
    if not is_integer(given[key], from, math.maxinteger) then
      error(("bad option '%s' of '%s' (an integer from %d on expected)")
        :format(key, name, from), 4)
    end
  end
  for _, key in ipairs(times) do
    if given[key] ~= given[key] then
      error(("bad option '%s' of '%s' (a number of seconds expected, got NaN)")
        :format(key, name), 4)
    end
  end
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
  check_numbers(given, name)
  check_deflate(given.deflate, name)
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
  local maxmessage = options.maxmessage(given)
  return core.websocket.new(client, maxmessage,
    math.tointeger(given.maxframe) or maxmessage)
end

return options
