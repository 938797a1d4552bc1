---Server-sent events: text that a browser's EventSource reads as it comes.
---
---    ["GET /ticks"] = function(req)
---      local events = req:events()
---      for tick in ticks:values() do events:send(tick) end
---    end
---
---The format is that of the HTML standard, section 9.2.
local events = {}

local core = require "miniloop.core"
local misuse = require "miniloop.misuse"

local option_types = { retry = "number", beat = "number" }

---@class miniloop.http.events_options
---@field retry number? seconds after which a client that lost us comes again
---@field beat number?  seconds between comments that keep the way open; 15

---@class miniloop.http.events
---@field last_id string? the id of the last event that the client has seen
local methods = {}

local events_meta = { __index = methods }

---One field of an event, line by line. A line of a client's ends with CR, LF or
---both: what is behind any of them would be taken for another field.
local function add_field(lines, name, text)
  text = text:gsub("\r\n?", "\n")
  for line in (text .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = name .. ": " .. line
  end
end

---A name or an id is one line; another would be another field.
local function check_line(name, value)
  value = tostring(value)
  if value:find("[\r\n%z]") then
    error(("the %s of an event cannot have more than one line"):format(name), 3)
  end
  return value
end

local function text_of(data)
  if type(data) == "table" then
    return require "miniloop.json".encode(data)
  end
  return tostring(data)
end

---Sends an event.
---@param data any text, or a table, which is sent as JSON
---@param kind string?    the event's name; "message" unless given
---@param id string|integer?
---@return true? ok
---@return miniloop.error? err the client is gone; EILSEQ: JSON cannot have it
function methods:send(data, kind, id)
  local text, err = text_of(data)
  if not text then
    return nil, err
  end
  local lines = {}
  if kind ~= nil then
    lines[1] = "event: " .. check_line("name", kind)
  end
  if id ~= nil then
    lines[#lines + 1] = "id: " .. check_line("id", id)
  end
  add_field(lines, "data", text)
  return self.response:write(table.concat(lines, "\n") .. "\n\n")
end

---Sends a comment, which no script sees.
---@param text string?
---@return true? ok
---@return miniloop.error? err
function methods:comment(text)
  local lines = {}
  add_field(lines, "", text or "")
  return self.response:write(table.concat(lines, "\n") .. "\n\n")
end

---A task that says something now and then, so that whoever stands between does
---not think that all is over.
local function keep_open(self, seconds)
  repeat
    core.sleep(seconds)
  until not self:comment()
end

---Begins the events of a response.
---@param res miniloop.http.response
---@param options miniloop.http.events_options?
---@return miniloop.http.events
function events.new(res, options)
  misuse.options(options, 1, "events", option_types)
  options = options or {}
  res.headers["Content-Type"] = "text/event-stream"
  res.headers["Cache-Control"] = res.headers["Cache-Control"] or "no-store"
  res.headers["X-Accel-Buffering"] = "no" -- of nginx, which else collects them
  local self = setmetatable({ response = res }, events_meta)
  res:write(options.retry
    and ("retry: %d\n\n"):format(options.retry * 1000 // 1) or ": \n\n")
  local beat = options.beat or 15
  if beat < math.huge then
    res:attend(core.spawn(keep_open, self, beat))
  end
  return self
end

return events
