---Proxies, as the environment or an option names them.
---
---HTTP_PROXY in capitals is not looked at: in a CGI script it is what a client
---sends as the field "Proxy".

local core = require "miniloop.core"
local places = require "miniloop.http.client.place"

local proxies = {}

local function variable(...)
  for _, name in ipairs { ... } do
    local value = os.getenv(name)
    if value and value ~= "" then
      return value
    end
  end
end

---What the environment says.
---@return { http: string?, https: string?, none: string? }
function proxies.environment()
  local all = variable("all_proxy", "ALL_PROXY")
  return {
    http = variable("http_proxy") or all,
    https = variable("https_proxy", "HTTPS_PROXY") or all,
    none = variable("no_proxy", "NO_PROXY"),
  }
end

---Whether a word of no_proxy means that host: its name, a domain above it, or
---all.
local function covers(word, place)
  local name, port = word:match("^(.-):(%d+)$")
  if name and not name:find(":", 1, true) then
    if tonumber(port) ~= place.port then
      return false
    end
    word = name
  end
  word = word:lower():gsub("^%*?%.", ""):gsub("^%[(.*)%]$", "%1")
  return word == "*" or place.host == word
    or place.host:sub(-#word - 1) == "." .. word
end

local function is_exempt(list, place)
  for word in list:gmatch("[^,%s]+") do
    if covers(word, place) then
      return true
    end
  end
  return false
end

---The proxy of that URL.
---@param text string
---@return miniloop.http.place? proxy
---@return miniloop.error? err
local function read(text)
  if not text:find("://", 1, true) then
    text = "http://" .. text
  end
  local proxy, err = places.new(text)
  if proxy and proxy.scheme ~= "http" then
    return nil, core.error("EPROTONOSUPPORT", "proxy", proxy.url,
      "a proxy is spoken to by http")
  end
  return proxy, err
end

---The proxy that a request goes through, or false.
---@param choice string|false|nil an option; nil: as the environment says
---@param environment table
---@param place miniloop.http.place
---@return miniloop.http.place|false|nil proxy
---@return miniloop.error? err
function proxies.choose(choice, environment, place)
  if choice == nil then
    choice = environment[place.scheme]
    if choice and environment.none and is_exempt(environment.none, place) then
      choice = false
    end
  end
  if not choice then
    return false
  end
  return read(choice)
end

return proxies
