---The server: what happens on a connection, request after request.
local server = {}

local core = require "miniloop.core"
local answer = require "miniloop.http.answer"
local late = require "miniloop.http.late"
local log = require "miniloop.http.log"
local net = require "miniloop.net"
require "miniloop.http.request"
local response = require "miniloop.http.response"
local routes = require "miniloop.http.routes"

local http = core.http
local equip = http.equip

-- The two methods of wires that each request calls, without a search for them.
local next_request, answer_text = http.wire_methods.request,
  http.wire_methods.text
local responses = response.of
local traceback = debug and debug.traceback or function() end

---What all connections of a server have in common.
---@class miniloop.http.site
---@field router miniloop.http.router
---@field limits table?
---@field on_error function?
---@field log fun(entry: miniloop.http.entry)?
---@field talks table<miniloop.http.talk, true>
---@field late userdata[] wires whose answers wait for the next ones
---@field sender miniloop.task? that sends them
---@field stopping boolean

---One connection.
---@class miniloop.http.talk
---@field site miniloop.http.site
---@field wire userdata
---@field req miniloop.http.request? the request that is being answered
---@field since number? when its head was read, until its answer is logged

-- --------------------------------------------------------- without a handler

---What is answered where no route fits: 404, 405 (RFC 9110, 15.5.6), or the
---methods that there are (9.3.7).
local function decline(wire, method, allow)
  if method == "OPTIONS" and allow then
    return wire:respond(204, { Allow = allow })
  elseif allow then
    return wire:respond(405, { Allow = allow }, answer.reason(405))
  end
  return wire:respond(404, nil, answer.reason(404))
end

---A request for the server as a whole, or for a tunnel.
local function answer_special(site, wire, method)
  if method == "CONNECT" then
    wire:retire() -- what comes next may be no HTTP any more
    return wire:respond(501, nil, answer.reason(501))
  end
  return wire:respond(204, { Allow = site.router.allow })
end

-- ------------------------------------------------------------ with a handler

---Lets a handler's protocol say its farewell, once.
local function leave(res, failed, err)
  local f = rawget(res, "leave")
  if f then
    res.leave = false
    f(failed, err)
  end
end

---Calls the handler of a route, and answers with its results. What most do, one
---text and no response of their own, is not looked at any further.
local function run(wire, req, route)
  local a, b, c
  if route.replies then
    a, b, c = route.handler(req, req.response)
  else
    a, b, c = route.handler(req)
  end
  local res = response.live > 0 and responses[req]
  if not res then
    if b == nil then
      local ok, gathers, goes_on = answer_text(wire, a)
      if ok then
        return ok, gathers, goes_on
      end
    end
    return answer.give(wire, nil, a, b, c)
  elseif rawget(res, "leave") ~= nil then
    leave(res, false)
    response.release(req)
    return nil -- the connection was somebody else's
  end
  local ok, err, goes_on = answer.give(wire, res, a, b, c)
  response.release(req)
  return ok, err, goes_on
end

---What is not answered at the first glance.
local function dispatch(talk, req, method, path)
  local site, wire = talk.site, talk.wire
  if path == "*" or method == "CONNECT" then
    return answer_special(site, wire, method)
  end
  local route, params, tail = site.router.find(method, path)
  if not route then
    return decline(wire, method, params)
  elseif params then
    equip(req, { params = params, tail = tail })
  end
  return run(wire, req, route)
end

-- ------------------------------------------------------------- what goes wrong

---Calls f; its results, or nil and what it raised, as { value =, traceback = }.
local function try(f, ...)
  local trace
  local ok, a, b = xpcall(f, function(err)
    trace = traceback(nil, 2)
    return err
  end, ...)
  if ok then
    return true, a, b
  end
  return false, { value = a, traceback = trace }
end

---Whether the running task is being told that it was cancelled.
local function is_cancellation(err)
  return core.iserror(err) and err.code == "ECANCELED" and err.op == "cancel"
    and err.task == core.id()
end

-- What its own peer can do to a handler whenever it likes: go away, keep it
-- waiting, break the protocol that they speak, or end it. A client that could
-- have each of these reported would fill the disk.
local farewells = {
  ECONNABORTED = true, ECONNRESET = true, EILSEQ = true, EMSGSIZE = true,
  EPIPE = true, EPROTO = true, ETIMEDOUT = true, ETLS_ALERT = true,
  ETLS_PROTOCOL = true, ETLS_TRUNCATED = true,
}

-- What is done with a peer. Of a Unix socket errors name no address; a time
-- that is up elsewhere, or a closed channel, name none, either.
local peer_ops = {
  body = true, close = true, finish = true, flush = true, lines = true,
  read = true, recv = true, respond = true, sendfile = true, write = true,
  writesome = true,
}

---Whether the handler let go what it was told of its own peer.
local function is_farewell(err, peer)
  return core.iserror(err) and err.address == peer and peer_ops[err.op]
    and farewells[err.code] or false
end

---The status that an error asks for.
local function status_of(err)
  local status = type(err) == "table" and err.status
  if math.type(status) == "integer" and status >= 400 and status <= 599 then
    return status
  end
  return 500
end

---Where the handler of a request stands.
local function place_of(site, req)
  local route = site.router.find(req.method, req.path)
  if not (route and debug and type(route.handler) == "function") then
    return ""
  end
  local info = debug.getinfo(route.handler, "S")
  return (", handler at %s:%d"):format(info.short_src, info.linedefined)
end

---The traceback of a fault, and what was asked for: a handler that has returned
---what is no answer is not in the traceback any more.
local function trace_of(site, fault, req)
  local trace = (fault.traceback or "") .. "\n"
  trace = trace:gsub("\n\t%[C%]: in %?\n$", "\n") -- where the task begins
  return ("%sin answer to:\n\t%s %s%s"):format(trace, req.method,
    req.target:sub(1, 200), place_of(site, req))
end

---Tells of what a handler raised; what `on_error` returns is the answer.
local function tell(site, fault, req)
  if site.on_error then
    local ok, a, b, c = pcall(site.on_error, fault.value, req, fault.traceback)
    if ok then
      return a, b, c
    elseif is_cancellation(a) then
      error(a, 0)
    end
    core.net.report(a)
  end
  core.net.report(fault.value, trace_of(site, fault, req))
end

---What is said of a fault of the client's, besides its status.
local function explain(err, status)
  local why = core.iserror(err) and (err.reason or err.message)
    or type(err) == "table" and rawget(err, "message")
  return answer.reason(status) .. (why and tostring(why) .. "\n" or "")
end

---Answers for a handler that has failed: as on_error says, or by a status.
local function apologize(talk, fault)
  local status, a, b, c = status_of(fault.value), nil, nil, nil
  if status >= 500 and not is_farewell(fault.value, talk.peer) then
    a, b, c = tell(talk.site, fault, talk.req)
  end
  if select(1, talk.wire:reply()) ~= 0 then
    return nil -- the head was sent: that it ends early must be seen
  elseif a ~= nil then
    return answer.give(talk.wire, nil, a, b, c)
  elseif status >= 500 then
    return talk.wire:respond(status, nil, answer.reason(status))
  end
  local fields = not core.iserror(fault.value) and fault.value.headers or nil
  return talk.wire:respond(status, fields, explain(fault.value, status))
end

---What an apology was to say cannot be sent: the fields of an error value, what
---on_error has returned. It is told as the handler's own fault; the answer is
---one that says nothing more.
local function apologize_again(talk, fault)
  if is_cancellation(fault.value) then
    error(fault.value, 0)
  end
  tell(talk.site, fault, talk.req)
  if select(1, talk.wire:reply()) ~= 0 then
    return nil
  end
  return talk.wire:respond(500, nil, answer.reason(500))
end

-- ------------------------------------------------------------ after an answer

local skipped <const> = 256 * 1024 -- bytes that are read for nothing

---Reads what the handler has left of the body, so that another request can
---follow. Whether it can.
local function settle(wire)
  local now, later = wire:persistent()
  local left = skipped
  while later and not now do
    local piece = wire:body()
    left = left - #(piece or "")
    if left < 0 then
      return false
    end
    now, later = wire:persistent()
    later = later and (piece or now)
  end
  return now
end

-- Seconds in which a client is to hear its last answer and close, and how much
-- it may send meanwhile; a server that is stopping has less time.
local parting <const>, hasty_parting <const> = 2, 0.2
local dropped <const> = 16 << 20

---A connection that is closed while its client sends is reset, and the client
---may never see the answer (RFC 9112, 9.6). So what comes is dropped, until the
---client has closed, too.
local function linger(talk)
  local conn, since, left = talk.wire:stream(), core.now(), dropped
  if not conn:shutdown("write") then
    return
  end
  repeat
    local seconds = since - core.now()
      + (talk.site.stopping and hasty_parting or parting)
    local bytes = seconds > 0 and conn:recv(nil, seconds)
    left = left - #(bytes or "")
  until not bytes or left < 0
end

local function note_access(talk)
  local write, since = talk.site.log, talk.since
  if write and since then
    talk.since = nil
    write(log.entry(talk.wire, talk.req, since))
  end
end

-- --------------------------------------------------------------- a connection

---Answers requests until there is none, or none can follow. Gives what was
---wrong with the last one. Raises what handlers raise.
local function converse(talk)
  local site, wire = talk.site, talk.wire
  local plain, logs = site.router.plain, site.log
  repeat
    local req, method, path = next_request(wire)
    if not req then
      talk.req = nil
      return method
    end
    talk.req = req
    if logs then
      talk.since = core.now()
    end
    local routes_by_path = plain[method]
    local route = routes_by_path and routes_by_path[path]
    local ok, gathers, goes_on
    if route then
      ok, gathers, goes_on = run(wire, req, route)
    else
      ok, gathers, goes_on = dispatch(talk, req, method, path)
    end
    if gathers == true then
      late.hold_back(site, wire)
    end
    if logs then
      note_access(talk)
    end
  until not (goes_on or ok and settle(wire))
end

---The protocol that the connection was handed to ends with an error.
local function end_upgraded(talk, res, err)
  leave(res, true, err.value)
  note_access(talk)
  response.release(talk.req)
  if not is_farewell(err.value, talk.peer) then
    tell(talk.site, err, talk.req)
  end
  return false
end

---A handler has raised. Whether another request can follow.
local function recover(talk, fault)
  if is_cancellation(fault.value) or not talk.req then
    error(fault.value, 0)
  end
  local res = responses[talk.req]
  if res and rawget(res, "leave") ~= nil then
    return end_upgraded(talk, res, fault)
  end
  local said, ok, err = try(apologize, talk, fault)
  if not said then
    ok, err = apologize_again(talk, ok)
  end
  note_access(talk)
  if res then
    response.release(talk.req)
  end
  return ok and err ~= nil and settle(talk.wire)
end

---What was sent is no request, or came too slowly. Whether that was answered.
local function refuse(talk, err)
  if not err.status then
    return false
  end
  talk.since = core.now()
  local ok = talk.wire:respond(err.status, nil, explain(err, err.status))
  if ok then
    note_access(talk)
  end
  return ok
end

---No other request follows the last one, or what came in its place.
local function part(talk, fault)
  local answered = talk.req
  if fault then
    answered = refuse(talk, fault)
  end
  if talk.wire:flush() and answered and talk.wire:part() then
    linger(talk)
  end
end

---A connection is over, on whatever path. Where its task was killed or
---cancelled in the midst of an answer, that is left behind.
local function hang_up(talk, err)
  local req = talk.req
  local res = req and responses[req]
  talk.site.talks[talk] = nil
  note_access(talk)
  if res then
    leave(res, err ~= nil, err)
    response.release(req)
  end
end

local talk_meta = { __close = hang_up }

---Serves a connection.
---@param site miniloop.http.site
---@param conn miniloop.net.stream
function server.attend(site, conn)
  local peer = conn:peer()
  local talk <close> = setmetatable({
    site = site, wire = http.wire(conn, site.limits),
    peer = peer ~= "unix:" and peer or nil, -- as errors name it
  }, talk_meta)
  site.talks[talk] = true
  if site.stopping then
    talk.wire:retire()
  end
  local ok, fault
  repeat
    ok, fault = try(converse, talk)
  until ok or not recover(talk, fault)
  part(talk, ok and fault)
end

-- ------------------------------------------------------------------ the server

local own_options = { limits = true, log = true, on_error = true }

---The options of net.serve.
local function net_options(options)
  local rest = {}
  for name, value in pairs(options) do
    if not own_options[name] then
      rest[name] = value
    end
  end
  return rest
end

---What is wrong with arguments is told at the line of who called http.serve.
local function check(level, f, ...)
  local ok, a, b = pcall(f, ...)
  if not ok then
    error(type(a) == "string" and a:gsub("#1 to '%?'", "#3 to 'serve'") or a,
      core.iserror(a) and 0 or level + 1) -- '?' is check_limits
  end
  return a, b
end

---The options that are called, or written to, when there is something to tell.
local function check_listeners(options, level)
  local on_error, sink = options.on_error, options.log
  local kind = type(sink)
  if on_error ~= nil and type(on_error) ~= "function" then
    error(("bad argument #3 to 'serve' (option 'on_error' must be a function, "
      .. "not a %s)"):format(type(on_error)), level + 1)
  elseif kind == "number" or kind == "string" then
    error(("bad argument #3 to 'serve' (option 'log' must be a boolean, a "
      .. "function or a file, not a %s)"):format(kind), level + 1)
  end
end

---Connections that only wait for another request are closed at once; the others
---end with their answer.
local function retire(site)
  site.stopping = true
  for talk in pairs(site.talks) do
    talk.wire:retire()
  end
end

---@param address miniloop.net.address|miniloop.net.listener
---@param what table|function
---@param options table
---@param level integer of the caller
---@return miniloop.net.server? server
---@return miniloop.error? err
function server.serve(address, what, options, level)
  check_listeners(options, level)
  local site = {
    router = routes.router(what, level),
    limits = options.limits,
    on_error = options.on_error,
    log = log.sink(options.log),
    talks = setmetatable({}, { __mode = "k" }),
    late = {},
    stopping = false,
  }
  check(level, http.check_limits, site.limits)
  local self, err = check(level, net.serve, address, function(conn)
    return server.attend(site, conn)
  end, net_options(options))
  if self then
    core.net.on_stop(self, function()
      retire(site)
    end)
  end
  return self, err
end

return server
