---Conditional requests (RFC 9110, 13): what the client has of a file already.
---
---Names of fields are in lower case in the table: so they are found without a
---search for other cases, which every request without conditions would make.
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

---Whether the client wants another file than there is: 412.
local function fails(headers, etag, modified)
  local match = rawget(headers, "if-match")
  local since = rawget(headers, "if-unmodified-since")
  if match then
    return not has_strong(match, etag)
  end
  return since and changed_since(since, modified)
end

---Whether the client has what there is.
local function has_it(headers, etag, modified, reads)
  local list = rawget(headers, "if-none-match")
  local since = rawget(headers, "if-modified-since")
  if list then
    return has_weak(list, etag)
  end
  local seconds = reads and since and date.parse(since)
  return seconds and modified <= seconds
end

---The status, 304 or 412, that is all of the answer; nil if the file is to be
---sent. In the order of 13.2.2.
---@param method string
---@param headers table<string, string>
---@param etag string
---@param modified integer seconds since 1970
---@return integer? status
function condition.check(method, headers, etag, modified)
  local reads = method == "GET" or method == "HEAD"
  if fails(headers, etag, modified) then
    return 412
  elseif has_it(headers, etag, modified, reads) then
    return reads and 304 or 412
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
