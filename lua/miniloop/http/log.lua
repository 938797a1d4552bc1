---The log of accesses: one line for each answer, in the form that all servers
---have in common ("combined"), with the seconds that it took behind it.
local log = {}

local core = require "miniloop.core"

---@class miniloop.http.entry
---@field peer string?
---@field time integer     seconds since 1970, when it was answered
---@field method string?   nil: what was sent is no request
---@field target string?
---@field version string?
---@field status integer   0: there was no answer
---@field bytes integer    of the body
---@field seconds number   from the end of the request's head
---@field referer string?
---@field agent string?

---What a client has sent stands between quotes: so quotes and what is no
---printable character are written as codes.
local function quote(text)
  if not text then
    return '"-"'
  end
  return '"' .. text:gsub('[%c"\\\127-\255]', function(byte)
    return ("\\x%02X"):format(byte:byte())
  end) .. '"'
end

---The line of an entry, without its end.
---@param entry miniloop.http.entry
---@return string
function log.line(entry)
  local request = entry.method
    and ("%s %s HTTP/%s"):format(entry.method, entry.target, entry.version)
  return ("%s - - [%s] %s %d %d %s %s %.6f"):format(
    (entry.peer or "-"):gsub(":%d+$", ""),
    os.date("!%d/%b/%Y:%H:%M:%S +0000", entry.time), quote(request),
    entry.status, entry.bytes, quote(entry.referer), quote(entry.agent),
    entry.seconds)
end

---The entry of the answer that was just given.
---@param wire userdata
---@param req miniloop.http.request?
---@param since number as of core.now
---@return miniloop.http.entry
function log.entry(wire, req, since)
  local status, _, bytes = wire:reply()
  local entry = {
    peer = wire:stream():peer(), time = os.time(), status = status,
    bytes = bytes, seconds = core.now() - since,
  }
  if req then
    entry.method, entry.target, entry.version =
      req.method, req.target, req.version
    entry.referer, entry.agent =
      req.headers.referer, req.headers["user-agent"]
  end
  return entry
end

---What the option `log` means: a function that takes entries, or nil. `true` is
---standard error; what has a method `write` gets lines.
---@param option boolean|function|table|userdata|nil
---@return fun(entry: miniloop.http.entry)?
function log.sink(option)
  if not option then
    return nil
  elseif type(option) == "function" then
    return option
  end
  local file = option == true and io.stderr or option
  return function(entry)
    file:write(log.line(entry), "\n")
  end
end

return log
