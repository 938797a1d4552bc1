---The client of HTTP: http.get and its kin, and clients of one's own.
---
---A client keeps connections for the next request, follows redirects, unpacks
---what is packed, and goes through the proxies that the environment names. The
---functions of the module use one that all scripts of a state share.

local core = require "miniloop.core"
local exchange = require "miniloop.http.client.exchange"
local gzip = require "miniloop.gzip"
local jars = require "miniloop.http.jar"
local misuse = require "miniloop.misuse"
local pools = require "miniloop.http.client.pool"
local proxies = require "miniloop.http.client.proxy"
local request = require "miniloop.http.client.request"
local responses = require "miniloop.http.client.response"
local routes = require "miniloop.http.client.route"

---@class miniloop.http.request_options
---@field headers table<string, string|number|string[]|false>?
---@field query table|string? added to that of the URL
---@field body string|function|table|userdata|nil text, an iterator, a stream
---@field json any            a body of JSON
---@field form table?         a body of fields, as browsers send them
---@field multipart miniloop.http.part[]? a body of fields and files
---@field timeout number?     seconds for all of it: 30 unless given
---@field redirects integer?  how many are followed: 10 unless given
---@field max_body integer?   bytes of a body: 64 MiB unless given
---@field stream boolean?     the body is read by whoever gets the answer
---@field gzip boolean?       false: ask for nothing packed
---@field proxy string|false|nil in the place of the environment's
---@field tls table|userdata|nil options of TLS, or a context
---@field connect any?        an address that is connected to instead

local request_types = {
  headers = "table", query = "any", body = "any", json = "any", form = "any",
  multipart = "any", timeout = "number", redirects = "number",
  max_body = "number", stream = "boolean", gzip = "boolean", proxy = "any",
  tls = "any", connect = "any",
}

---@class miniloop.http.client_options: miniloop.http.request_options
---@field base string?     what URLs of requests are relative to
---@field cookies boolean|miniloop.http.jar|nil true: a jar of its own
---@field limit integer?   connections to one server at once: no limit
---@field keep integer?    of those that wait, for one server: 16 unless given
---@field idle number?     seconds that they wait: 30 unless given

local client_types = {
  base = "string", headers = "table", cookies = "any", timeout = "number",
  redirects = "number", max_body = "number", gzip = "boolean", proxy = "any",
  tls = "any", connect = "any", limit = "number", keep = "number",
  idle = "number",
}

local defaults = {
  timeout = 30, redirects = 10, max_body = 64 * 1024 * 1024, gzip = true,
}

---@class miniloop.http.client
---@field options miniloop.http.client_options
---@field cookies miniloop.http.jar?
---@field private pool miniloop.http.pool
---@field private behind table      a metatable: the client's options
---@field private environment table what that says of proxies
---@field private places table      what URLs of late say
local client = {}

local client_meta = { __index = client, __name = "miniloop.http.client" }

-- ------------------------------------------------------------------- requests

-- Bytes of a redirect's own body that are read to keep its connection.
local skipped <const> = 65536

---Sends the request on a connection, on a fresh one if that was closed while
---nobody used it.
local function send(self, plan, route, head)
  local held, err = self.pool:take(route)
  if not held then
    return nil, err
  end
  local res, stale
  res, err, stale = exchange(held, plan, head)
  if res or not stale or not plan.repeatable then
    return res, err
  end
  held, err = self.pool:take(route, true)
  if not held then
    return nil, err
  end
  res, err = exchange(held, plan, head)
  return res, err
end

---The fields of one hop alone: what the proxy is told, and the jar's cookies.
local function fields_for(self, plan, route)
  local jar = self.cookies
  local text = jar and request.get(plan, "cookie") == nil
    and jar:header(plan.place.url)
  if not text then
    return route.fields
  end
  local fields = { Cookie = text }
  for name, value in pairs(route.fields or {}) do
    fields[name] = value
  end
  return fields
end

---One hop: what goes to the next server, and what comes from it.
local function hop(self, plan, options)
  local route, err = routes.new(self, plan.place, options)
  if not route then
    return nil, err
  end
  local fields = fields_for(self, plan, route)
  local head = not fields and not route.absolute and plan.head
    or request.head(plan, route.absolute, fields)
  local res
  res, err = send(self, plan, route, head)
  if not res then
    return nil, err
  end
  res.url = plan.place.url
  for _, field in ipairs(self.cookies and res.headers["set-cookie"] or {}) do
    self.cookies:store(plan.place.url, field)
  end
  return res
end

---All hops: up to an answer that sends nowhere else.
local function follow(self, plan, options)
  for _ = 0, options.redirects do
    local res, err = hop(self, plan, options)
    if not res or options.redirects == 0
      or not request.is_redirect(plan, res) then
      return res, err
    end
    local on_the_way <close> = res
    responses.skip(on_the_way, skipped)
    plan, err = request.follow(plan, res)
    if not plan then
      return nil, err
    end
  end
  return nil, core.error("ELOOP", "redirect", plan.place.url,
    ("more than %d redirects"):format(options.redirects))
end

---The request up to what its caller gets.
local function run(self, plan, options)
  local res, err = follow(self, plan, options)
  if not res or options.stream then
    if res then
      res.seconds = options.timeout
    end
    return res, err
  end
  local answer <close> = res
  local ok
  ok, err = responses.load(answer, options.max_body)
  if not ok then
    return nil, err
  end
  return answer
end

---The same within its time.
local function run_in_time(self, plan, options)
  local place = plan.place
  if options.timeout == math.huge then
    return run(self, plan, options)
  end
  local res, err = core.timeout(options.timeout, run, self, plan, options)
  if err and err.code == "ETIMEDOUT" and err.op == "timeout" then
    err = core.error("ETIMEDOUT", "request", place.url)
  end
  return res, err
end

-- ------------------------------------------------------------------- checks

local function check_number(options, name, least, whole)
  local value = options[name]
  if value == nil then
    return nil
  elseif value ~= value or value < least
    or whole and value ~= math.huge and not math.tointeger(value) then
    return ("bad option '%s' (%s from %d expected)"):format(name,
      whole and "an integer" or "a number", least)
  end
end

local numbers = {
  { "timeout", 0 }, { "redirects", 0, true }, { "max_body", 0, true },
  { "limit", 1, true }, { "keep", 0, true }, { "idle", 0 },
}

local function wrong_number(options)
  for _, number in ipairs(numbers) do
    local wrong = check_number(options, number[1], number[2], number[3])
    if wrong then
      return wrong
    end
  end
end

local function wrong_choice(options)
  local proxy, query = options.proxy, options.query
  local fault = options.tls ~= nil and core.tls.fault(options.tls, "connect")
  if fault then
    return fault
  elseif proxy and type(proxy) ~= "string" then
    return "bad option 'proxy' (a URL or false expected)"
  elseif query ~= nil and type(query) ~= "table"
    and type(query) ~= "string" then
    return "bad option 'query' (a table or a string expected)"
  end
end

local function wrong_options(options)
  return wrong_number(options) or wrong_choice(options)
end

---The options of a call, with the client's behind them.
local function complete(self, options)
  local all = {}
  for name, value in pairs(options) do
    all[name] = value
  end
  return setmetatable(all, self.behind)
end

---Checks and runs a call. Errors of use are raised at the line of who called
---the function that calls this.
local function call(self, name, method, text, options)
  misuse.check(text, 1, name, "string", 1)
  misuse.options(options, 2, name, request_types, 1)
  local wrong = options and wrong_options(options)
  if wrong then
    error(("bad argument #2 to '%s' (%s)"):format(name, wrong), 3)
  end
  local bare = options == nil
  options = bare and self.options or complete(self, options)
  local plan, err = request.plan(self, method, text, options, bare)
  if type(err) == "string" then
    error(("bad argument #2 to '%s' (%s)"):format(name, err), 3)
  elseif not plan then
    return nil, err
  end
  return run_in_time(self, plan, options)
end

-- ------------------------------------------------------------------- clients

local function check_client(self, name)
  if getmetatable(self) ~= client_meta then
    misuse.mismatch(self, 1, name, "miniloop.http.client", 1)
  end
end

---What becomes of the option `cookies`.
local function jar_of(cookies)
  if cookies == true then
    return jars()
  end
  return cookies or nil
end

---@param options table
---@return miniloop.http.client
local function new(options)
  local all = {}
  for name, value in pairs(defaults) do
    all[name] = value
  end
  for name, value in pairs(options) do
    all[name] = value
  end
  local inflater <close> = gzip.inflater()
  all.gzip = all.gzip and inflater ~= nil -- where there is no zlib
  return setmetatable({
    options = all,
    behind = { __index = all },
    cookies = jar_of(options.cookies),
    pool = pools.new(options),
    places = {},
    places_count = 0,
    environment = proxies.environment(),
    contexts = setmetatable({}, { __mode = "k" }),
  }, client_meta)
end

---Closes the connections that wait for another request; those at work close
---once they are through. The client can still be used.
function client:close()
  check_client(self, "close")
  self.pool:close()
end

client_meta.__close = function(self)
  self.pool:close()
end

-- --------------------------------------------------------------------- module

local http = {}

-- Connections belong to the loop that they were made in, and so does this one:
-- it is made by the first request.
local shared

local function shared_client()
  shared = shared or new {}
  return shared
end

for name, method in pairs {
  delete = "DELETE", get = "GET", head = "HEAD", patch = "PATCH",
  post = "POST", put = "PUT",
} do
  client[name] = function(self, text, options)
    core.place(name, true)
    check_client(self, name)
    local res, err = call(self, name, method, text, options)
    return res, err
  end
  http[name] = function(text, options)
    core.place(name, true)
    local res, err = call(shared_client(), name, method, text, options)
    return res, err
  end
end

---The options of `request`, which has the URL and the method among them.
local function split(options, level)
  if type(options) ~= "table" then
    misuse.mismatch(options, 1, "request", "table", level)
  end
  local rest = {}
  for name, value in pairs(options) do
    if name ~= "url" and name ~= "method" then
      rest[name] = value
    end
  end
  local method = options.method == nil and "GET" or options.method
  if type(method) ~= "string" then
    error("bad option 'method' of 'request' (string expected)", 3)
  end
  return options.url, method:upper(), rest
end

---@param options table those of a request, with `url` and `method`
---@return miniloop.http.client.response? res
---@return miniloop.error? err
function client:request(options)
  core.place("request", true)
  check_client(self, "request")
  local text, method, rest = split(options, 1)
  local res, err = call(self, "request", method, text, rest)
  return res, err
end

---@param options table those of a request, with `url` and `method`
---@return miniloop.http.client.response? res
---@return miniloop.error? err
function http.request(options)
  core.place("request", true)
  local text, method, rest = split(options, 1)
  local res, err = call(shared_client(), "request", method, text, rest)
  return res, err
end

---Makes a client. A to-be-closed value: its connections close then.
---@param options miniloop.http.client_options?
---@return miniloop.http.client
function http.client(options)
  misuse.options(options, 1, "client", client_types)
  options = options or {}
  local wrong = wrong_options(options)
  if wrong then
    error(("bad argument #1 to 'client' (%s)"):format(wrong), 2)
  end
  return new(options)
end

---Closes the connections that http.get and its kin keep for another request.
function http.close()
  if shared then
    shared.pool:close()
  end
end

---Makes a jar of cookies, for the option `cookies` of clients.
http.jar = jars

return http
