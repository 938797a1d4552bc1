---A jar of cookies (RFC 6265, section 5): keeps what servers set, and tells
---what goes back to them.
---
---There is no list of public suffixes in it: a server may set cookies for the
---domains above its own as long as these have a dot in them, "co.uk" included.

local date = require "miniloop.http.date"
local misuse = require "miniloop.misuse"
local url = require "miniloop.url"

---@class miniloop.http.jar.cookie
---@field name string
---@field value string
---@field domain string
---@field host_only boolean the domain is the one host that it goes to
---@field path string
---@field expires number    seconds since 1970; math.huge: with the jar
---@field secure boolean
---@field httponly boolean
---@field created integer   counts the cookies that were stored

---@class miniloop.http.jar
---@field private list miniloop.http.jar.cookie[]
---@field private count integer
local jar = {}

local jar_meta = { __index = jar, __name = "miniloop.http.jar" }

-- Of what a hostile server may fill it with (6.1 has the least of each).
local domain_max <const>, total_max <const> = 50, 3000
local size_max <const> = 4096

-- ------------------------------------------------------------------- matches

local function is_address(host)
  return (host:find(":", 1, true) or host:find("^%d+%.%d+%.%d+%.%d+$")) ~= nil
end

---5.1.3
local function domain_matches(host, domain)
  if host == domain then
    return true
  end
  return host:sub(-#domain - 1) == "." .. domain and not is_address(host)
end

---5.1.4
local function path_matches(path, prefix)
  if path:sub(1, #prefix) ~= prefix then
    return false
  end
  return #path == #prefix or prefix:sub(-1) == "/"
    or path:sub(#prefix + 1, #prefix + 1) == "/"
end

---5.1.4: the folder that a request's path is in.
local function default_path(path)
  local folder = path:match("^(/.*)/[^/]*$")
  return folder and folder ~= "" and folder or "/"
end

-- -------------------------------------------------------------- dates, 5.1.1

local months = {
  jan = 1, feb = 2, mar = 3, apr = 4, may = 5, jun = 6, jul = 7, aug = 8,
  sep = 9, oct = 10, nov = 11, dec = 12,
}

-- What a token may be: the first that fits and is not found yet counts.
local token_readers = {
  function(found, word)
    local hour, minute, second = word:match("^(%d%d?):(%d%d?):(%d%d?)")
    if not found.hour and hour then
      found.hour, found.minute, found.second = hour, minute, second
      return true
    end
  end,
  function(found, word)
    local digits = word:match("^%d+")
    if not found.day and digits and #digits <= 2 then
      found.day = digits
      return true
    end
  end,
  function(found, word)
    local month = months[word:sub(1, 3):lower()]
    if not found.month and month then
      found.month = month
      return true
    end
  end,
  function(found, word)
    local digits = word:match("^%d+")
    if not found.year and digits and #digits >= 2 and #digits <= 4 then
      found.year = digits
      return true
    end
  end,
}

local function read_token(found, word)
  for _, read in ipairs(token_readers) do
    if read(found, word) then
      return
    end
  end
end

local function full_year(text)
  local year = math.tointeger(text)
  if #text > 2 or not year then
    return year
  end
  return year >= 70 and year + 1900 or year + 2000
end

---Seconds since 1970 of a date as servers write it, or nil.
local function read_date(text)
  local found = {}
  for word in text:gmatch("[^\t\x20-\x2F\x3B-\x40\x5B-\x60\x7B-\x7E]+") do
    read_token(found, word)
  end
  if not (found.hour and found.day and found.month and found.year) then
    return nil
  end
  local year = full_year(found.year)
  return year >= 1601 and date.seconds(year, found.month,
    math.tointeger(found.day), math.tointeger(found.hour),
    math.tointeger(found.minute), math.tointeger(found.second)) or nil
end

-- ----------------------------------------------------------- Set-Cookie, 5.2

local function trim(text)
  return text:match("^[ \t]*(.-)[ \t]*$")
end

local readers = {}

function readers.expires(cookie, value)
  cookie.expires = cookie.expires or read_date(value)
end

readers["max-age"] = function(cookie, value)
  if value:find("^%-?%d+$") then
    local seconds = tonumber(value)
    cookie.age = seconds > 0 and seconds or -math.huge
  end
end

function readers.domain(cookie, value)
  value = value:gsub("^%.", ""):lower()
  cookie.domain = value ~= "" and value or cookie.domain
end

function readers.path(cookie, value)
  cookie.path = value:sub(1, 1) == "/" and value or nil
end

function readers.secure(cookie)
  cookie.secure = true
end

function readers.httponly(cookie)
  cookie.httponly = true
end

---The cookie that a field says, or nil if it says none.
local function read(text)
  if #text > size_max or text:find("[%z\1-\8\10-\31\127]") then
    return nil
  end
  local pair, rest = text:match("^([^;]*);?(.*)$")
  local name, value = pair:match("^([^=]*)=(.*)$")
  name = name and trim(name)
  if not name or name == "" then
    return nil
  end
  local cookie = { name = name, value = trim(value), secure = false,
    httponly = false }
  for attribute in rest:gmatch("[^;]+") do
    local word, setting = attribute:match("^([^=]*)=?(.*)$")
    local reader = readers[trim(word):lower()]
    if reader then
      reader(cookie, trim(setting))
    end
  end
  return cookie
end

-- ---------------------------------------------------------------- storage, 5.3

local secure_schemes = { https = true, wss = true }

---Names that say themselves how they were set, so that nobody else can have set
---them.
local function keeps_promise(cookie)
  if cookie.name:find("^__Secure%-") then
    return cookie.secure
  elseif cookie.name:find("^__Host%-") then
    return cookie.secure and cookie.host_only and cookie.path == "/"
  end
  return true
end

---Sets the domain of a cookie that a host has set; false if it is not the
---host's own, or one above it.
local function claim_domain(cookie, host)
  local domain = cookie.domain
  cookie.domain = domain or host
  cookie.host_only = domain == nil or is_address(host)
  return domain == nil or domain == host
    or domain_matches(host, domain) and domain:find(".", 1, true) ~= nil
end

---Completes a cookie by the request that it came in answer to; false if that
---may not set it.
local function complete(cookie, parts)
  local age = cookie.age
  cookie.age = nil
  cookie.expires = age and os.time() + age or cookie.expires or math.huge
  cookie.path = cookie.path or default_path(parts.path)
  return claim_domain(cookie, parts.host:lower())
    and (secure_schemes[parts.scheme] or not cookie.secure)
    and keeps_promise(cookie)
end

local function is_same(a, b)
  return a.name == b.name and a.domain == b.domain and a.path == b.path
end

---Takes away what has expired, and what `unwanted` says.
local function sweep(list, unwanted)
  local now, n = os.time(), 0
  for i = 1, #list do
    local cookie = list[i]
    list[i] = nil
    if cookie.expires > now and not (unwanted and unwanted(cookie)) then
      n = n + 1
      list[n] = cookie
    end
  end
end

---Makes room: the oldest of the domain goes if that has too many, or the oldest
---of all.
local function make_room(list, domain)
  local oldest, count
  count = 0
  for i, cookie in ipairs(list) do
    if cookie.domain == domain then
      count = count + 1
      oldest = oldest or i
    end
  end
  if count >= domain_max then
    table.remove(list, oldest)
  elseif #list >= total_max then
    table.remove(list, 1)
  end
end

-- ------------------------------------------------------------------- methods

local function check_jar(self, name)
  if getmetatable(self) ~= jar_meta then
    misuse.mismatch(self, 1, name, "miniloop.http.jar", 1)
  end
end

---The parts of a URL that has a host.
local function parts_of(text, name)
  misuse.check(text, 2, name, "string", 1)
  local parts = url.parse(text)
  return parts and parts.host and parts or nil
end

---Stores what a field `Set-Cookie` says that came in an answer.
---@param from string   the URL of the request
---@param field string
---@return boolean stored false: it is no cookie, or not the server's to set
function jar:store(from, field)
  check_jar(self, "store")
  local parts = parts_of(from, "store")
  misuse.check(field, 3, "store", "string")
  local cookie = parts and read(field)
  if not cookie or not complete(cookie, parts) then
    return false
  end
  local secure = secure_schemes[parts.scheme]
  for _, old in ipairs(self.list) do
    if is_same(old, cookie) then
      if old.secure and not secure then
        return false -- what TLS has set is not for others to change
      end
      cookie.created = old.created
    end
  end
  sweep(self.list, function(old)
    return is_same(old, cookie)
  end)
  if cookie.expires > os.time() then
    make_room(self.list, cookie.domain)
    self.count = self.count + 1
    cookie.created = cookie.created or self.count
    table.insert(self.list, cookie)
  end
  return true
end

local function is_meant(cookie, parts, host)
  if cookie.host_only and cookie.domain ~= host
    or not domain_matches(host, cookie.domain) then
    return false
  end
  local path = parts.path ~= "" and parts.path or "/"
  return path_matches(path, cookie.path)
    and (not cookie.secure or secure_schemes[parts.scheme] == true)
end

---The value of the field `Cookie` of a request (5.4): longer paths first, of
---these the older ones.
---@param to string the URL of the request
---@return string? text nil if there is none for it
function jar:header(to)
  check_jar(self, "header")
  local parts = parts_of(to, "header")
  if not parts then
    return nil
  end
  local host = parts.host:lower()
  local found, words = {}, {}
  sweep(self.list)
  for _, cookie in ipairs(self.list) do
    if is_meant(cookie, parts, host) then
      found[#found + 1] = cookie
    end
  end
  table.sort(found, function(a, b)
    if #a.path ~= #b.path then
      return #a.path > #b.path
    end
    return a.created < b.created
  end)
  for i, cookie in ipairs(found) do
    words[i] = cookie.name .. "=" .. cookie.value
  end
  return words[1] and table.concat(words, "; ") or nil
end

---Copies of the cookies that are in it, for keeping them: `jar(list)` makes a
---jar of them again.
---@return miniloop.http.jar.cookie[]
function jar:cookies()
  check_jar(self, "cookies")
  sweep(self.list)
  local copies = {}
  for i, cookie in ipairs(self.list) do
    copies[i] = {}
    for name, value in pairs(cookie) do
      copies[i][name] = value
    end
  end
  return copies
end

---Makes a jar, empty or with the cookies that another one gave.
---@param cookies miniloop.http.jar.cookie[]?
---@return miniloop.http.jar
return function(cookies)
  if cookies ~= nil then
    misuse.check(cookies, 1, "jar", "table")
  end
  local self = setmetatable({ list = {}, count = 0 }, jar_meta)
  for i, cookie in ipairs(cookies or {}) do
    local copy = { created = i }
    for name, value in pairs(cookie) do
      copy[name] = value
    end
    self.list[i] = copy
    self.count = math.max(self.count, copy.created)
  end
  return self
end
