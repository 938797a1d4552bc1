---A request before it is sent: from the options of a call to a plan.

local bodies = require "miniloop.http.client.body"
local core = require "miniloop.core"
local places = require "miniloop.http.client.place"
local url = require "miniloop.url"

local request = {}

---@class miniloop.http.plan
---@field method string
---@field place miniloop.http.place
---@field fields table<string, any>   the header, by the names that are sent
---@field names table<string, string> those names by their lower case
---@field host string?     the field Host, if the user gives it: it goes first
---@field body miniloop.http.body?
---@field length integer?  of a body that comes in pieces, if it is known
---@field unpack boolean   the answer may be packed
---@field repeatable boolean it can be sent twice without harm
---@field head string?     its head as it goes straight to the server

-- ------------------------------------------------------------------- headers

---Sets a field in the place of one of the same name in another case.
local function set(plan, name, value)
  local lower = name:lower()
  local old = plan.names[lower]
  if old then
    plan.fields[old] = nil
  end
  plan.names[lower] = name
  plan.fields[name] = value
end

---The field, in any case; false where the user wants none.
local function get(plan, lower)
  local name = plan.names[lower]
  return name and plan.fields[name]
end

local function default(plan, name, value)
  if value and get(plan, name:lower()) == nil then
    set(plan, name, value)
  end
end

local function drop(plan, lower)
  local name = plan.names[lower]
  if name then
    plan.names[lower], plan.fields[name] = nil, nil
  end
end

local function add_all(plan, headers)
  for name, value in pairs(headers or {}) do
    if type(name) ~= "string" then
      return ("a header field has a name, not a %s"):format(type(name))
    elseif name:lower() == "host" then
      plan.host = value
    else
      set(plan, name, value)
    end
  end
end

-- ---------------------------------------------------------------------- body

-- Methods that say how long a body is also where they have none.
local with_body = { POST = true, PUT = true, PATCH = true }

local idempotent = {
  GET = true, HEAD = true, PUT = true, DELETE = true, OPTIONS = true,
  TRACE = true,
}

---How many bytes the body has, if that is known; false: there is none, and
---nothing is to be said of it.
local function length_of(plan)
  local body = plan.body
  if body then
    return body.text and #body.text
  end
  return with_body[plan.method] and 0
end

---What is wrong with what the user says of the body's end.
local function wrong_frame(plan, said, length)
  if get(plan, "transfer-encoding") then
    return "the header field 'Transfer-Encoding' is not for scripts"
  elseif said and not (plan.body or length) then
    return "there is no body for the Content-Length that was given"
  elseif said and (length or said) ~= said then
    return "the body does not have the Content-Length that was given"
  end
end

---Says how the body ends; gives what is wrong about that.
local function frame(plan)
  local field = get(plan, "content-length")
  local said = field and (math.tointeger(tonumber(field)) or -1)
  local length = length_of(plan)
  local wrong = wrong_frame(plan, said, length)
  if wrong or said == -1 then
    return wrong or "Content-Length is no number of bytes"
  elseif length then
    set(plan, "Content-Length", length)
  elseif said then
    plan.length = said
  elseif plan.body then
    set(plan, "Transfer-Encoding", "chunked")
  end
end

-- ----------------------------------------------------------------------- plan

---The URL of a call: seen from the client's base, with the options' query.
local function full_url(base, text, query)
  local err
  text = url.repair(text)
  if base then
    text, err = url.resolve(base, text)
  end
  if text and query then
    local more = type(query) == "table" and url.encode_query(query) or query
    local head, fragment = text:match("^([^#]*)(.*)$")
    local mark = not head:find("?", 1, true) and "?"
      or head:find("[?&]$") and "" or "&"
    text = head .. mark .. more .. fragment
  end
  return text, err
end

---The place of a URL, which is found again for the URLs of late.
local function locate(client, text, query)
  local known = not query and client.places[text]
  if known then
    return known
  end
  local full, err = full_url(client.options.base, text, query)
  local place
  if full then
    place, err = places.new(full)
  end
  if place and not query then
    if client.places_count >= 200 then
      client.places, client.places_count = {}, 0
    end
    client.places[text] = place
    client.places_count = client.places_count + 1
  end
  return place, err
end

local function add_defaults(plan, options)
  local gzip = options.gzip
  default(plan, "User-Agent", "miniloop")
  default(plan, "Accept", "*/*")
  default(plan, "Authorization", plan.place.user)
  default(plan, "Content-Type", plan.body and plan.body.type)
  -- A range of packed bytes cannot be unpacked.
  plan.unpack = gzip and get(plan, "accept-encoding") == nil
    and get(plan, "range") == nil
  if plan.unpack then
    set(plan, "Accept-Encoding", "gzip, deflate")
  end
end

local function is_method(text)
  return text:find("^[%w!#$%%&'*+.^_`|~-]+$") and text ~= "CONNECT"
end

---Adds what the options say; gives what is wrong about them, a string for
---misuse.
local function fill(plan, client, options)
  local wrong = add_all(plan, client.options.headers)
    or add_all(plan, options.headers)
  if wrong then
    return wrong
  end
  plan.body, wrong = bodies.make(options)
  if wrong then
    return wrong
  elseif core.iserror(plan.body) then
    return plan.body
  end
  add_defaults(plan, options)
  plan.repeatable = idempotent[plan.method]
    and not (plan.body and plan.body.source) or false
  return frame(plan)
end

-- Options that make a request another one than its URL and method say.
local special = {
  "headers", "query", "body", "json", "form", "multipart", "gzip",
}

local function is_plain(options)
  for _, name in ipairs(special) do
    if rawget(options, name) ~= nil then
      return false
    end
  end
  return true
end

---A plan of what is not kept yet.
local function new_plan(client, method, place, options)
  local plan = { method = method, place = place, fields = {}, names = {} }
  local wrong = fill(plan, client, options)
  if wrong then
    return nil, wrong
  end
  plan.head, wrong = request.head(plan, false)
  if wrong then
    return nil, wrong
  end
  return plan
end

---Makes a plan of a call. Those of requests that have nothing special about
---them are kept with their place.
---@param client miniloop.http.client
---@param method string
---@param text string    the URL
---@param options table  of the call; the client's behind them
---@param bare boolean   the call has none
---@return miniloop.http.plan? plan which is not to be changed
---@return miniloop.error|string|nil err a string: misuse
function request.plan(client, method, text, options, bare)
  if not is_method(method) then
    return nil, ("'%s' is no method of a request"):format(method)
  end
  local place, err = locate(client, text, options.query)
  if not place then
    return nil, err
  end
  local plain = bare or is_plain(options)
  local plan = plain and place.plans[method]
  if plan then
    return plan
  end
  plan, err = new_plan(client, method, place, options)
  if plain then
    place.plans[method] = plan
  end
  return plan, err
end

---The head as it is sent.
---@param plan miniloop.http.plan
---@param absolute boolean to a proxy
---@param extra table?     fields for this hop
---@return string? head
---@return string? misuse  what cannot be sent
function request.head(plan, absolute, extra)
  local place = plan.place
  local ok, host = pcall(core.http.fields,
    { Host = plan.host or place.authority })
  if not ok then
    return nil, host
  end
  local fields
  ok, fields = pcall(core.http.fields, plan.fields)
  if not ok then
    return nil, fields
  end
  return table.concat {
    plan.method, " ", absolute and place.url or place.target, " HTTP/1.1\r\n",
    host, fields, extra and core.http.fields(extra) or "", "\r\n",
  }
end

-- ------------------------------------------------------------------ redirects

local moved = {
  [301] = true, [302] = true, [303] = true, [307] = true, [308] = true,
}

-- Of a body, and of one host: what must not go to another one.
local of_body = {
  "content-type", "content-length", "content-encoding", "content-language",
  "content-location", "transfer-encoding",
}
local of_host = { "authorization", "cookie", "proxy-authorization" }

local function drop_all(plan, list)
  for _, lower in ipairs(list) do
    drop(plan, lower)
  end
end

---Whether the answer sends the request somewhere else, and that can be done.
---@param plan miniloop.http.plan
---@param res miniloop.http.client.response
---@return boolean
function request.is_redirect(plan, res)
  local keeps = res.status == 307 or res.status == 308
  return moved[res.status] and res.headers.location ~= nil
    and not (keeps and plan.body and plan.body.source) or false
end

---What becomes of the method (RFC 9110, 15.4): 303 asks for a GET, and 301 and
---302 make one of a POST, as browsers do.
local function next_method(plan, status)
  local method = plan.method
  if status == 303 then
    return method == "HEAD" and "HEAD" or "GET"
  elseif (status == 301 or status == 302) and method == "POST" then
    return "GET"
  end
  return method
end

local function copy(from)
  local to = {}
  for name, value in pairs(from) do
    to[name] = value
  end
  return to
end

---The plan of the request that an answer asks for.
---@param plan miniloop.http.plan
---@param res miniloop.http.client.response
---@return miniloop.http.plan? plan
---@return miniloop.error? err
function request.follow(plan, res)
  local location = res.headers.location
  local text, err = url.resolve(plan.place.url, url.repair(location))
  local place
  if text then
    place, err = places.new(text)
  end
  if not place then
    err.op = "redirect"
    return nil, err
  end
  local method = next_method(plan, res.status)
  plan = copy(plan)
  plan.fields, plan.names = copy(plan.fields), copy(plan.names)
  if method ~= plan.method then
    plan.method, plan.body = method, nil
    drop_all(plan, of_body)
    plan.repeatable = true
  end
  if place.origin ~= plan.place.origin then
    drop_all(plan, of_host)
    plan.host = nil
  end
  plan.place = place
  plan.head = request.head(plan, false)
  return plan
end

request.get = get

return request
