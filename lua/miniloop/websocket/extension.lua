---What is said in the handshake of a WebSocket about packing its messages:
---permessage-deflate, RFC 7692, section 7.
local extension = {}

local is_token = require "miniloop.websocket.options".is_token

local name <const> = "permessage-deflate"

---What both have agreed on. Bits are those of a window, as a power of 2.
---@class miniloop.websocket.agreement
---@field keep_out boolean what was sent helps to pack what follows
---@field keep_in boolean the same of what the peer sends
---@field bits integer of the window that we may pack with

-- ------------------------------------------------------------ lists of offers

---Takes what matches at the cursor, and the blanks around it.
local function take(cursor, pattern)
  local found, rest = cursor.text:match("^[ \t]*" .. pattern .. "[ \t]*()",
    cursor.at)
  if found then
    cursor.at = rest
  end
  return found
end

local function take_token(cursor)
  local token = take(cursor, '([^%s,;="]+)')
  return is_token(token) and token or nil
end

---The value of a parameter: a token, which may be quoted. True: there is none.
local function take_value(cursor)
  if not take(cursor, "(=)") then
    return true
  end
  local quoted = take(cursor, '"([^"]*)"')
  if quoted then
    return is_token(quoted) and quoted or nil
  end
  return take_token(cursor)
end

---The next one of a list: { name =, params =, twice = }, or nil.
local function take_one(cursor)
  local one = { name = take_token(cursor), params = {}, twice = false }
  while one.name and take(cursor, "(;)") do
    local key = take_token(cursor)
    local value = key and take_value(cursor)
    if not value then
      return nil
    end
    one.twice = one.twice or one.params[key] ~= nil
    one.params[key] = value
  end
  return one.name and one
end

---The extensions that a header lists, or nil if it is no such list.
local function parse(text)
  local list, cursor = {}, { text = text, at = 1 }
  while cursor.at <= #text do
    if not take(cursor, "(,)") then
      local one = take_one(cursor)
      if not one or (cursor.at <= #text and not take(cursor, "(,)")) then
        return nil
      end
      list[#list + 1] = one
    end
  end
  return list
end

-- ----------------------------------------------------------------- parameters

local function is_flag(value)
  return value == true
end

local function is_bits(value)
  return value ~= true and value:find "^[89]$" ~= nil
    or value ~= true and value:find "^1[0-5]$" ~= nil
end

---@type table<string, fun(value: string|true): boolean>
local answered = {
  server_no_context_takeover = is_flag, client_no_context_takeover = is_flag,
  server_max_window_bits = is_bits, client_max_window_bits = is_bits,
}

---@type table<string, fun(value: string|true): boolean>
local offered = setmetatable({
  client_max_window_bits = function(value)
    return value == true or is_bits(value)
  end,
}, { __index = answered })

---Whether it is this extension, with parameters that the rules allow.
local function is_valid(one, rules)
  for key, value in pairs(one.params) do
    if not rules[key] or not rules[key](value) then
      return false
    end
  end
  return one.name == name and not one.twice
end

-- ----------------------------------------------------------------- the server

local function take_offer(params, context)
  local keep_out = context and not params.server_no_context_takeover
  local keep_in = context and not params.client_no_context_takeover
  local bits = params.server_max_window_bits
  local answer = name .. (keep_out and "" or "; server_no_context_takeover")
    .. (keep_in and "" or "; client_no_context_takeover")
    .. (bits and "; server_max_window_bits=" .. bits or "")
  return {
    keep_out = keep_out, keep_in = keep_in, bits = math.tointeger(bits or 15),
  }, answer
end

---Takes the first offer that can be taken.
---@param text string what the client offers
---@param want miniloop.websocket.deflate
---@return miniloop.websocket.agreement|false|nil agreement nil: it is no list
---@return string? answer
function extension.accept(text, want)
  local list = parse(text)
  for _, one in ipairs(list or {}) do
    if is_valid(one, offered) then
      return take_offer(one.params, want.context)
    end
  end
  return list and false
end

-- ----------------------------------------------------------------- the client

---What a client offers.
---@param want miniloop.websocket.deflate
---@return string
function extension.offer(want)
  local offer = name .. "; client_max_window_bits"
  return want.context and offer
    or offer .. "; server_no_context_takeover; client_no_context_takeover"
end

---What the server has made of the offer.
---@param text string
---@param want miniloop.websocket.deflate
---@return miniloop.websocket.agreement? agreement nil: no offer allows that
function extension.agreed(text, want)
  local list = parse(text) or {}
  local one = list[1]
  if #list ~= 1 or not is_valid(one, answered) then
    return nil
  end
  local params = one.params
  local keep_in = not params.server_no_context_takeover
  if keep_in and not want.context then
    return nil
  end
  return {
    keep_out = want.context and not params.client_no_context_takeover,
    keep_in = keep_in,
    bits = math.tointeger(params.client_max_window_bits or 15),
  }
end

return extension
