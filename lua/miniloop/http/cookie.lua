---Cookies (RFC 6265): what a server reads and sends. The other side, a jar that
---keeps them, is miniloop.http.jar.
local cookie = {}

local date = require "miniloop.http.date"
local misuse = require "miniloop.misuse"

-- 4.1.1: what a value cannot have in it, but for a quote at each end.
local no_octet = "[^\x21-\x7E]"
local separator = "[\",;\\]"
local token = "^[%w!#$%%&'*+%-.^_`|~]+$"
local attribute_value = "^[\x20-\x3A\x3C-\x7E]*$"

local function is_value(text)
  local inner = text:match('^"(.*)"$') or text
  return not inner:find(no_octet) and not inner:find(separator)
end

---Reads the field `Cookie` of a request. Of cookies with the same name the
---first counts: browsers send the one of the longest path first.
---@param text string
---@return table<string, string> cookies by name
function cookie.parse(text)
  misuse.check(text, 1, "parse", "string")
  local cookies = {}
  for pair in text:gmatch("[^;]+") do
    local name, value = pair:match("^%s*([^=]-)%s*=%s*(.-)%s*$")
    if name and name ~= "" and cookies[name] == nil then
      cookies[name] = value
    end
  end
  return cookies
end

---@class miniloop.http.cookie_attributes
---@field expires number?   seconds since 1970
---@field max_age integer?  seconds; 0 takes the cookie away
---@field domain string?
---@field path string?
---@field secure boolean?   over TLS alone
---@field httponly boolean? not for scripts of the page
---@field samesite ("Strict"|"Lax"|"None")?

local attributes = {
  { "expires", "Expires" }, { "max_age", "Max-Age" }, { "domain", "Domain" },
  { "path", "Path" }, { "secure", "Secure" }, { "httponly", "HttpOnly" },
  { "samesite", "SameSite" },
}

local types = {
  expires = "number", max_age = "number", domain = "string", path = "string",
  secure = "boolean", httponly = "boolean", samesite = "string",
}

local sites = { Strict = true, Lax = true, None = true }

---The text of an attribute's value; nil where it is not as it must be.
local function value_text(name, value)
  if name == "expires" then
    return date.format(value)
  elseif name == "max_age" then
    return math.tointeger(value) and ("%d"):format(value)
  elseif name == "samesite" then
    return sites[value] and value
  end
  return value:find(attribute_value) and value
end

local function attribute_text(name, word, value)
  if value == true then
    return "; " .. word
  end
  local text = value_text(name, value)
  if not text then
    error(("bad option '%s' of 'format' (it cannot be %s)"):format(name,
      tostring(value)), 3)
  end
  return ("; %s=%s"):format(word, text)
end

---The value of a field `Set-Cookie`. What cannot stand in a cookie is misuse:
---encode it before, with url.encode, say.
---@param name string
---@param value string
---@param options miniloop.http.cookie_attributes?
---@return string
function cookie.format(name, value, options)
  misuse.check(name, 1, "format", "string")
  misuse.check(value, 2, "format", "string")
  misuse.options(options, 3, "format", types)
  if not name:find(token) then
    misuse.mismatch(name, 1, "format", "a name of a cookie")
  elseif not is_value(value) then
    misuse.mismatch(value, 2, "format", "a value of a cookie")
  end
  local text = name .. "=" .. value
  for _, pair in ipairs(attributes) do
    local given = options and options[pair[1]]
    if given then
      text = text .. attribute_text(pair[1], pair[2], given)
    end
  end
  return text
end

return misuse.seal("miniloop.http.cookie", cookie)
