---Where a request goes: what its URL says, taken apart once.

local core = require "miniloop.core"
local url = require "miniloop.url"

local place = {}

---@class miniloop.http.place
---@field url string       without user, password and fragment
---@field origin string    scheme, host and port: who shares a connection
---@field scheme string
---@field host string
---@field port integer
---@field authority string the value of the field Host
---@field target string    path and query
---@field user string?     the value of the field Authorization
---@field plans table<string, miniloop.http.plan> of a client, by method
---@field route miniloop.http.route? of a client

local digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
  .. "0123456789+/"

local function base64(bytes)
  local text = bytes:gsub("..?.?", function(three)
    local a, b, c = three:byte(1, 3)
    local n = a << 16 | (b or 0) << 8 | (c or 0)
    local word = {}
    for i = 1, 4 do
      local six = n >> (24 - 6 * i) & 63
      word[i] = i <= #three + 1 and digits:sub(six + 1, six + 1) or "="
    end
    return table.concat(word)
  end)
  return text
end

---The value of a field that names a user, from what a URL has of one.
---@param userinfo string? "user:password", percent-coded
---@return string?
function place.credentials(userinfo)
  local plain = userinfo and url.decode(userinfo)
  if not plain then
    return nil
  end
  return "Basic " .. base64(plain:find(":", 1, true) and plain or plain .. ":")
end

---A URL without the user and password in it, for errors: they may be logged.
local function without_user(text)
  return (text:gsub("^([^/?#]*//)[^/?#]*@", "%1"))
end

local function refuse(text, reason)
  return nil, core.error("EINVAL", "request", without_user(text), reason)
end

local function host_text(host)
  return host:find(":", 1, true) and "[" .. host .. "]" or host
end

---The parts of a URL that a request can be sent to.
local function parse(text)
  if not text:find("^%a[%w+.-]*:/") then
    return refuse(text, "write http:// or https:// before it")
  end
  local parts, err = url.parse(url.repair(text))
  if not parts then
    return refuse(text, err.reason)
  elseif parts.scheme ~= "http" and parts.scheme ~= "https" then
    return nil, core.error("EPROTONOSUPPORT", "request", without_user(text),
      ("the scheme is '%s', not http or https"):format(parts.scheme))
  elseif not parts.host or parts.host == "" then
    return refuse(text, "it names no host")
  end
  return parts
end

---Takes the URL of a request apart.
---@param text string as somebody typed it
---@return miniloop.http.place? place
---@return miniloop.error? err EINVAL: no URL; EPROTONOSUPPORT: not of HTTP
function place.new(text)
  local parts, err = parse(text)
  if not parts then
    return nil, err
  end
  local own, host = url.ports[parts.scheme], parts.host:lower()
  local port, shown = parts.port or own, host_text(host)
  local authority = port == own and shown or shown .. ":" .. port
  local target = (parts.path == "" and "/" or parts.path)
    .. (parts.query and "?" .. parts.query or "")
  return {
    url = parts.scheme .. "://" .. authority .. target,
    origin = ("%s://%s:%d"):format(parts.scheme, shown, port),
    scheme = parts.scheme,
    host = host,
    port = port,
    authority = authority,
    target = target,
    user = place.credentials(parts.userinfo),
    plans = {},
  }
end

return place
