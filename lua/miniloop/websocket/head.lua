---The head of the server's answer to a handshake.
local core = require "miniloop.core"

-- Lines of a head, and bytes of a line: a server that sends more wants harm.
local most_lines, longest = 100, 8192

local function bad(conn, reason)
  return nil, core.error("EPROTO", "connect", conn:peer(), reason)
end

---A line without its end, which must be there.
local function read_line(conn)
  local line, err = conn:read("L")
  if not line or #line > longest or line:sub(-2) ~= "\r\n" then
    return nil, err
  end
  return line:sub(1, -3)
end

---The lower-case name of a field, and its value.
local function field(line)
  local name, value = line:match("^([%w!#$%%&'*+.^_`|~-]+):[ \t]*(.-)[ \t]*$")
  if name and not value:find("[%z\1-\8\10-\31\127]") then
    return name:lower(), value
  end
end

---Reads it; what comes behind it stays in the stream. A field that is given
---twice is one with both values.
---@param conn miniloop.net.stream
---@return { status: integer, reason: string, headers: table<string, string> }?
---@return miniloop.error? err
return function(conn)
  local line, err = read_line(conn)
  if not line then
    return nil, err
  end
  local status, reason = line:match("^HTTP/1%.1 ([1-5]%d%d) ?([^%c]*)$")
  if not status then
    return bad(conn, "the server does not speak HTTP/1.1")
  end
  local headers = {}
  for _ = 1, most_lines do
    line, err = read_line(conn)
    if line == "" then
      return { status = math.tointeger(status), reason = reason,
        headers = headers }
    elseif err then
      return nil, err
    end
    local name, value = field(line or "")
    if not name then
      return bad(conn, "the head of the server's answer is malformed")
    end
    headers[name] = headers[name] and headers[name] .. ", " .. value or value
  end
  return bad(conn, "the head of the server's answer is too long")
end
