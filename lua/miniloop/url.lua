---URLs (RFC 3986), percent coding, and the coding of queries and forms.
---
---A URL is text. `parse` takes it apart, and the parts keep their coding: the
---path "/a%2Fb" has one segment, and only who splits it may decode it.
---@class miniloop.url
local url = {}

local core = require "miniloop.core"
local misuse = require "miniloop.misuse"
local percent = require "miniloop.url.percent"
local queries = require "miniloop.url.query"

---@class miniloop.url.parts
---@field scheme string?   in lower case
---@field userinfo string? what stands before the "@"
---@field host string?     an IPv6 address without its brackets
---@field port integer?
---@field path string      "" if there is none
---@field query string?    without the "?"; "" is not the same as none
---@field fragment string? without the "#"

url.encode, url.decode = percent.encode, percent.decode
url.encode_query, url.decode_query =
  queries.encode_query, queries.decode_query

local unreserved, subdelims = percent.unreserved, percent.subdelims
local bad_escape, encode_part = percent.bad_escape, percent.encode_part

local function bad(op, text, reason)
  return nil, core.error("EINVAL", op, text, reason)
end

-- --------------------------------------------------------------------- parse

-- The reason why a part cannot be such a part, or nil.
local function refusal(part, text)
  local at = text:find(percent.foreign[part])
  if at then
    return ("byte 0x%02X cannot stand in the %s"):format(text:byte(at), part)
  elseif bad_escape(text) then
    return ("no two digits after '%%' in the %s"):format(part)
  end
end

local function port_of(text)
  if text == "" then
    return nil
  end
  local port = text:find("^%d+$") and #text <= 9 and math.tointeger(text)
  if not port or port > 65535 then
    return nil, ("'%s' is no port"):format(text)
  end
  return port
end

-- What may stand between brackets; whether it is an address in all its digits
-- is for those who connect to it.
local function bracketed(text)
  local host, rest = text:match("^%[([%x:.]+)%](.*)$")
  if host and host:find(":", 1, true) then
    return host, rest
  end
  local future = "^(%[[vV]%x+%.[" .. unreserved .. subdelims .. ":]+%])(.*)$"
  return text:match(future)
end

---Sets host and port of the parts; gives the reason if they cannot be.
local function split_authority(parts, text)
  local userinfo, rest = text:match("^(.*)@([^@]*)$")
  parts.userinfo = userinfo
  text = rest or text
  local host, port
  if text:sub(1, 1) == "[" then
    host, port = bracketed(text)
    if not host or not port:find("^:?%d*$") then
      return "what is in brackets is no address"
    end
    parts.host, port = host, port:sub(2)
  else
    host, port = text:match("^([^:]*):?(.*)$")
    parts.host = host
    local reason = refusal("host", host)
    if reason then
      return reason
    end
  end
  local reason
  parts.port, reason = port_of(port)
  return reason or userinfo and refusal("userinfo", userinfo)
end

---Takes a text apart by the expression of RFC 3986, appendix B; gives the parts
---with an `authority`, unchecked.
local function split(text)
  local parts = {}
  local rest, fragment = text:match("^([^#]*)#(.*)$")
  parts.fragment = fragment
  rest = rest or text
  local before, query = rest:match("^([^?]*)%?(.*)$")
  parts.query = query
  rest = before or rest
  local scheme, after = rest:match("^([^:/]*):(.*)$")
  parts.scheme = scheme
  rest = after or rest
  parts.authority, parts.path = rest:match("^//([^/]*)(.*)$")
  parts.path = parts.path or rest
  return parts
end

local checked = { "path", "query", "fragment" }

---The reason why the parts of `split` are no URL, or nil.
local function complete(parts)
  local scheme = parts.scheme
  if scheme and not scheme:find("^%a[%w+.-]*$") then
    return ("'%s' is no scheme"):format(scheme)
  end
  parts.scheme = scheme and scheme:lower()
  for _, part in ipairs(checked) do
    local reason = parts[part] and refusal(part, parts[part])
    if reason then
      return reason
    end
  end
  local authority = parts.authority
  parts.authority = nil
  return authority and split_authority(parts, authority)
end

---Takes a URL, or a relative reference, apart.
---@param text string
---@return miniloop.url.parts? parts
---@return miniloop.error? err EINVAL, with the reason
function url.parse(text)
  misuse.check(text, 1, "parse", "string")
  local parts = split(text)
  local reason = complete(parts)
  if reason then
    return bad("parse", text, reason)
  end
  return parts
end

-- --------------------------------------------------------------------- build

local function host_text(host)
  if host:find(":", 1, true) and host:sub(1, 1) ~= "[" then
    return "[" .. host .. "]"
  end
  return host:sub(1, 1) == "[" and host or encode_part("host", host)
end

local function authority_text(parts)
  if not parts.host then
    return ""
  end
  local userinfo = parts.userinfo
  return "//" .. (userinfo and encode_part("userinfo", userinfo) .. "@" or "")
    .. host_text(parts.host) .. (parts.port and ":" .. parts.port or "")
end

---A path that is read as one: RFC 3986, 3.3 and 4.2 on what it must not begin
---with where it is the first thing of the text.
local function path_text(parts)
  local path = encode_part("path", parts.path or "")
  if parts.host then
    return path:find("^[^/]") and "/" .. path or path
  elseif path:find("^//") then
    return "/." .. path
  elseif not parts.scheme and path:find("^[^/]*:") then
    return "./" .. path
  end
  return path
end

---Puts checked parts together (RFC 3986, 5.3).
local function join(parts)
  local query, fragment = parts.query, parts.fragment
  return (parts.scheme and parts.scheme .. ":" or "")
    .. authority_text(parts) .. path_text(parts)
    .. (query and "?" .. encode_part("query", query) or "")
    .. (fragment and "#" .. encode_part("fragment", fragment) or "")
end

local part_types = {
  scheme = "string", userinfo = "string", host = "string", port = "number",
  path = "string", query = "any", fragment = "string",
}

local function is_host(host)
  if host:find("[:%[]") then
    local _, rest = bracketed(host_text(host))
    return rest == ""
  end
  return true
end

-- What a part must be beyond its type.
local part_checks = {
  scheme = function(scheme)
    return scheme:find("^%a[%w+.-]*$"), "a scheme"
  end,
  host = function(host)
    return is_host(host), "a host"
  end,
  port = function(port)
    return math.tointeger(port), "an integer"
  end,
  query = function(query)
    return type(query) == "string" or type(query) == "table",
      "a string or a table"
  end,
}

local function check_parts(parts)
  misuse.options(parts, 1, "build", part_types, 1)
  for part, check in pairs(part_checks) do
    if parts[part] ~= nil then
      local fits, expected = check(parts[part])
      if not fits then
        error(("bad option '%s' of 'build' (%s expected)"):format(part,
          expected), 3)
      end
    end
  end
end

---Puts a URL together. Bytes that cannot stand where they are get encoded, but
---what is encoded already, or separates parts of a part, is left as it is. A
---query may be a table, see encode_query.
---@param parts miniloop.url.parts
---@return string
function url.build(parts)
  misuse.check(parts, 1, "build", "table")
  check_parts(parts)
  if type(parts.query) ~= "table" then
    return join(parts)
  end
  local copy = {}
  for name, value in pairs(parts) do
    copy[name] = value
  end
  copy.query = url.encode_query(parts.query)
  return join(copy)
end

---What somebody typed, or a careless server sent, as a URL: bytes that cannot
---stand in one (spaces, other alphabets, brackets in a query) get encoded. The
---host is left as it is.
---@param text string
---@return string
function url.repair(text)
  misuse.check(text, 1, "repair", "string")
  local parts = split(text)
  return (parts.scheme and parts.scheme .. ":" or "")
    .. (parts.authority and "//" .. parts.authority or "")
    .. encode_part("path", parts.path)
    .. (parts.query and "?" .. encode_part("query", parts.query) or "")
    .. (parts.fragment and "#" .. encode_part("fragment", parts.fragment)
      or "")
end

-- ------------------------------------------------------- resolve, normalize

---Removes "." and ".." from a path (RFC 3986, 5.2.4), in one pass.
local function remove_dots(path)
  local kept, n = {}, 0
  local lead, rest, last = path:match("^(/?)(.*)$")
  for segment in rest:gmatch("[^/]*") do
    last = segment
    if segment == ".." then
      -- A slash stays where a relative path has lost its first segment.
      lead = n == 1 and "/" or lead
      n = math.max(n - 1, 0)
    elseif segment ~= "." then
      n = n + 1
      kept[n] = segment
    end
  end
  local is_folder = n > 0 and (last == "." or last == "..")
  return lead .. table.concat(kept, "/", 1, n) .. (is_folder and "/" or "")
end

---The path of a reference seen from a base (RFC 3986, 5.2.3).
local function merge(base, path)
  if path:sub(1, 1) == "/" then
    return path
  elseif base.host and base.path == "" then
    return "/" .. path
  end
  return (base.path:match("^.*/") or "") .. path
end

---What a reference without scheme and authority takes from the base: RFC 3986,
---5.2.2, the innermost branches.
local function complete_path(target, base)
  if target.path ~= "" then
    target.path = remove_dots(merge(base, target.path))
    return
  end
  target.path = base.path
  target.query = target.query or base.query
end

---What a reference means where it stands in a document of that address (RFC
---3986, 5.2).
---@param base string     with a scheme
---@param reference string
---@return string? text
---@return miniloop.error? err EINVAL: one of them is no URL
function url.resolve(base, reference)
  misuse.check(base, 1, "resolve", "string")
  misuse.check(reference, 2, "resolve", "string")
  local from, err = url.parse(base)
  local target
  if from then
    target, err = url.parse(reference)
  end
  if not from or not target then
    return nil, err
  elseif not from.scheme then
    return bad("resolve", base, "the base has no scheme")
  end
  if target.scheme or target.host then
    target.path = remove_dots(target.path)
  else
    complete_path(target, from)
    target.userinfo, target.host, target.port =
      from.userinfo, from.host, from.port
  end
  target.scheme = target.scheme or from.scheme
  return join(target)
end

---The port of a scheme where the URL tells none.
url.ports = { http = 80, https = 443, ws = 80, wss = 443 }

-- Escapes in upper case, and none for unreserved bytes.
local function normalize_escapes(text)
  return text and (text:gsub("%%(%x%x)", function(digits)
    local char = percent.bytes[digits]
    return char:find("[" .. unreserved .. "]") and char or "%"
      .. digits:upper()
  end))
end

-- What the scheme says of its URLs.
local function normalize_for_scheme(parts)
  local own = url.ports[parts.scheme]
  if own and parts.host then
    parts.port = parts.port ~= own and parts.port or nil
    parts.path = parts.path == "" and "/" or parts.path
  end
end

---The form of a URL that is the same for URLs that mean the same (RFC 3986,
---6.2.2 and 6.2.3): case, escapes, dots, the scheme's own port, an empty path.
---@param text string
---@return string? text
---@return miniloop.error? err EINVAL: it is no URL
function url.normalize(text)
  misuse.check(text, 1, "normalize", "string")
  local parts, err = url.parse(text)
  if not parts then
    return nil, err
  end
  for _, part in ipairs { "userinfo", "host", "path", "query", "fragment" } do
    parts[part] = normalize_escapes(parts[part])
  end
  if parts.host then
    parts.host = parts.host:lower():gsub("%%%x%x", string.upper)
  end
  if parts.scheme or parts.host then
    parts.path = remove_dots(parts.path)
  end
  normalize_for_scheme(parts)
  return join(parts)
end

return misuse.seal("miniloop.url", url)
