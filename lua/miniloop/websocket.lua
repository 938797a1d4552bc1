---WebSockets (RFC 6455): messages in both directions over one connection.
---
---    ["GET /ws"] = function(req)
---      local ws = req:websocket()
---      for message in ws:messages() do ws:send(message) end
---    end
---
---    local ws <close> = assert(websocket.connect "ws://localhost:8000/ws")
---@class miniloop.websocket
local websocket = {}

local connection = require "miniloop.websocket.connection"
local core = require "miniloop.core"
local handshake = require "miniloop.websocket.handshake"
local misuse = require "miniloop.misuse"
local net = require "miniloop.net"
local options_of = require "miniloop.websocket.options"
local packing = require "miniloop.websocket.packing"
local url = require "miniloop.url"

require "miniloop.http.request" -- what a message's `headers` are

local huge = math.huge

core.use()

local function with(types)
  for name, expected in pairs(options_of.types) do
    types[name] = expected
  end
  return types
end

---What is wanted of packing; false also where zlib is not there.
local function wanted(options)
  local want = options_of.deflate(options)
  return want and packing.available() and want
end

---The WebSocket of a connection whose handshake is done. `agreement` and `want`
---are about packing.
local function make(conn, client, messages, options, agreement, want)
  local pack = agreement
    and packing.new(agreement, want, options_of.maxmessage(options))
  return connection.new(conn, client, messages, options, pack or nil)
end

local function set_fields(ws, fields)
  rawset(ws, "subprotocol", fields.subprotocol)
  rawset(ws, "extensions", fields.extensions)
end

-- ----------------------------------------------------------------- the server

---@class miniloop.websocket.accept_options : miniloop.websocket.options
---@field origin (string|string[]|fun(origin: string, req: table): boolean)?
---the origins whose pages may connect, "*" for any; unless given, those of the
---host that was asked for. Who sends no Origin is no page.

local accept_types = with { origin = "any" }

---Answers the request for a WebSocket, in the handler of a server (there it is
---`req:websocket(options)`). A request that cannot be granted raises the answer
---that refuses it. The WebSocket is closed when the handler has ended.
---@param req table
---@param options miniloop.websocket.accept_options?
---@return miniloop.websocket.connection? ws
---@return miniloop.error? err
function websocket.accept(req, options)
  options = options_of.check(options, 1, "websocket", accept_types)
  local messages, err = options_of.messages(false, options)
  if not messages then
    handshake.unavailable(err)
  end
  local want = wanted(options)
  local headers, fields, agreement = handshake.answer(req, options, want)
  local ws
  local conn
  conn, err = req:upgrade("websocket", headers, function(failed, why)
    if ws then
      connection.leave(ws, failed and (why or true) or nil)
    end
  end)
  if not conn then
    return nil, err
  end
  ws = make(conn, false, messages, options, agreement, want)
  set_fields(ws, fields)
  return ws
end

-- ----------------------------------------------------------------- the client

---@class miniloop.websocket.connect_options : miniloop.websocket.options
---@field timeout number? seconds until it is open; 10 unless given
---@field headers table<string, string>? more of the request's, such as Origin
---@field tls table? what net.connect takes as `tls`

local connect_types = with {
  timeout = "number", headers = "table", tls = "any",
}

local function fail(text, code, reason)
  return nil, core.error(code, "connect", text, reason)
end

---The parts of the URL, or nil and the reason why it is none of a WebSocket.
local function parse(text)
  local parts, err = url.parse(text)
  if not parts then
    return nil, err.reason
  elseif parts.scheme ~= "ws" and parts.scheme ~= "wss" then
    return nil, "it begins neither with ws:// nor with wss://"
  elseif not parts.host or parts.host == "" then
    return nil, "it names no host"
  elseif parts.fragment then
    return nil, "a WebSocket has no fragment" -- section 3
  elseif parts.userinfo then
    return nil, "it has a user's name; send it as a header"
  end
  return parts
end

---The server's host as a header has it, what is asked of it, and where it is.
local function route(parts)
  local own = url.ports[parts.scheme]
  local host = parts.host:find(":", 1, true) and "[" .. parts.host .. "]"
    or parts.host
  local port = parts.port or own
  local target = (parts.path ~= "" and parts.path or "/")
    .. (parts.query and "?" .. parts.query or "")
  return port ~= own and host .. ":" .. port or host, target,
    host .. ":" .. port
end

---The head of the answer; who connects has its time bounded already. What comes
---before it (status 100 to 103) is of no interest.
local function read_response(conn)
  local wire = core.http.wire(conn, { first = huge, head_time = huge })
  local response, err
  repeat
    response, err = wire:response("GET")
  until not response or response.status > 103 or response.status == 101
  return response, err
end

---Asks for the WebSocket on a connection that is open. Gives the response, and
---what was agreed on.
local function ask(conn, text, parts, options, want)
  local host, target = route(parts)
  local key, err = core.websocket.key()
  local response, reason, fields, agreement
  local ok = key
  if ok then
    ok, err = conn:write(handshake.request(host, target, key, options,
      want))
  end
  if ok then
    response, err = read_response(conn)
  end
  if not response then
    return nil, err or core.error("ECONNRESET", "connect", text,
      "the server did not answer")
  end
  reason, fields, agreement =
    handshake.verdict(response, key, options, want)
  if reason then
    err = core.error("ECONNREFUSED", "connect", text, reason)
    err.status = response.status
    return nil, err
  end
  return response, fields, agreement
end

---Closes what it holds unless that was taken.
local keeper_meta = {
  __close = function(keeper)
    if keeper.conn then
      keeper.conn:close()
    end
  end,
}

local function open(text, parts, messages, options)
  local secure = parts.scheme == "wss"
  local _, _, address = route(parts)
  local keeper <close> = setmetatable({ conn = false }, keeper_meta)
  local conn, err = net.connect(address, {
    timeout = huge, tls = secure and (options.tls or true) or nil,
  })
  if not conn then
    return nil, err
  end
  keeper.conn = conn
  local want = wanted(options)
  local response, fields, agreement = ask(conn, text, parts, options, want)
  if not response then
    return nil, fields
  end
  local ws = make(conn, true, messages, options, agreement, want)
  set_fields(ws, fields)
  rawset(ws, "headers", response.headers)
  keeper.conn = false
  return ws
end

local function check_headers(headers)
  for name, value in pairs(headers or {}) do
    local fault = handshake.header_fault(name, value)
    if fault then
      error(("bad option 'headers' of 'connect' ('%s' is %s)"):format(
        tostring(name), fault), 3)
    end
  end
end

---Connects to a server: "ws://host/path", or "wss://..." over TLS.
---@param address string
---@param options miniloop.websocket.connect_options?
---@return miniloop.websocket.connection? ws
---@return miniloop.error? err ECONNREFUSED with `status`: the server gave
---another answer
function websocket.connect(address, options)
  misuse.check(address, 1, "connect", "string")
  options = options_of.check(options, 2, "connect", connect_types)
  check_headers(options.headers)
  core.place("connect", true)
  local parts, reason = parse(address)
  if not parts then
    return fail(address, "EINVAL", reason)
  end
  local messages, err = options_of.messages(true, options)
  if not messages then
    return nil, err
  end
  local ws
  ws, err = core.timeout(options.timeout or 10, open, address, parts, messages,
    options)
  if not ws and err.code == "ETIMEDOUT" then
    return fail(address, "ETIMEDOUT")
  end
  return ws, err
end

return misuse.seal("miniloop.websocket", websocket)
