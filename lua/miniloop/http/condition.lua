---Conditional requests (RFC 9110, 13): what the client has of a file already.
local condition = {}

local date = require "miniloop.http.date"

---The tags of a list, as they are written; true for "*".
local function tags_of(list)
  if list:find("^%s*%*%s*$") then
    return true
  end
  local tags = {}
  for tag in list:gmatch('[Ww]?/?"[^"]*"') do
    tags[tag] = true
  end
  return tags
end

---Strong comparison (8.8.3.2): a weak tag is like no other.
local function has_strong(list, etag)
  local tags = tags_of(list)
  return tags == true or tags[etag] and etag:sub(1, 1) == '"'
end

local function has_weak(list, etag)
  local tags = tags_of(list)
  if tags == true then
    return true
  end
  local opaque = etag:gsub("^W/", "")
  return tags[opaque] or tags["W/" .. opaque]
end

---Whether a date, if it is one, is before the last change.
local function changed_since(text, modified)
  local seconds = date.parse(text)
  return seconds and modified > seconds
end

---The status, 304 or 412, that is all of the answer; nil if the file is to be
---sent. In the order of 13.2.2.
---@param method string
---@param headers table<string, string>
---@param etag string
---@param modified integer seconds since 1970
---@return integer? status
function condition.check(method, headers, etag, modified)
  local match, since = headers["if-match"], headers["if-unmodified-since"]
  if match and not has_strong(match, etag)
    or not match and since and changed_since(since, modified) then
    return 412
  end
  local none_match = headers["if-none-match"]
  if none_match then
    if has_weak(none_match, etag) then
      return (method == "GET" or method == "HEAD") and 304 or 412
    end
    return nil
  end
  local if_since = headers["if-modified-since"]
  if if_since and (method == "GET" or method == "HEAD") then
    local seconds = date.parse(if_since)
    return seconds and modified <= seconds and 304 or nil
  end
end

---Whether a range may be answered: If-Range names what is still there (13.1.5).
---@param text string?
---@param etag string
---@param modified integer
---@return boolean
function condition.range_holds(text, etag, modified)
  if not text then
    return true
  elseif text:find('^[Ww]?/?"') then
    return text == etag and etag:sub(1, 1) == '"'
  end
  return date.parse(text) == modified
end

return condition
