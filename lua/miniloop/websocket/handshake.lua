---The opening handshake of WebSockets: what is asked and answered in the heads
---of an HTTP request and its response, RFC 6455, section 4.
local handshake = {}

local core = require "miniloop.core"
local extension = require "miniloop.websocket.extension"
local is_token = require "miniloop.websocket.options".is_token

-- The only version that there is.
local version = "13"

---The items of a list in a header, or nil if it is none.
local function tokens(value)
  local list = {}
  for item in (value or ""):gmatch("[^,]+") do
    item = item:match("^[ \t]*(.-)[ \t]*$")
    if item ~= "" and not is_token(item:gsub("/", "")) then
      return nil
    end
    list[#list + 1] = item ~= "" and item or nil
  end
  return list
end

---Whether the list has the item, in whatever case.
local function includes(value, item)
  for _, token in ipairs(tokens(value) or {}) do
    if token:lower() == item then
      return true
    end
  end
  return false
end

---Refuses a request: an error value of that kind is an answer of the server.
local function refuse(status, message, headers)
  error({ status = status, message = message, headers = headers }, 0)
end

-- ----------------------------------------------------------------- the server

---Refuses all requests, for what is missing here: it is reported, as a fault of
---the server's is.
---@param err miniloop.error
function handshake.unavailable(err)
  err.status = 501
  error(err, 0)
end

---@param headers table
---@param origin string
local function is_same_host(headers, origin)
  local host = headers["host"]
  return host ~= nil and origin:match("^%a[%w+.-]*://(.+)$") == host:lower()
end

---Whether pages of that origin may connect.
local function is_welcome(req, origin, wanted)
  if wanted == nil then
    return is_same_host(req.headers, origin:lower())
  elseif type(wanted) == "function" then
    return wanted(origin, req)
  end
  for _, one in ipairs(type(wanted) == "table" and wanted or { wanted }) do
    if one == "*" or one:lower() == origin:lower() then
      return true
    end
  end
  return false
end

---Refuses what does not ask for a WebSocket, or not for one that we speak.
local function check_upgrade(req)
  local headers = req.headers
  local answer = { Upgrade = "websocket", Connection = "Upgrade" }
  if req.method ~= "GET" then
    refuse(405, "A WebSocket is asked for by GET.", { Allow = "GET" })
  elseif req.version == "1.0" or not includes(headers["upgrade"], "websocket")
    or not includes(headers["connection"], "upgrade") then
    refuse(426, "This is a WebSocket.", answer)
  elseif headers["sec-websocket-version"] ~= version then
    answer["Sec-WebSocket-Version"] = version
    refuse(426, "This is a WebSocket of version " .. version .. ".", answer)
  end
end

---The first of the server's subprotocols that the client has offered.
local function choose(offered, spoken)
  local list = tokens(offered)
  if not list then
    refuse(400, "Sec-WebSocket-Protocol is no list of names.")
  end
  local known = {}
  for _, name in ipairs(list) do
    known[name] = true
  end
  for _, name in ipairs(spoken or {}) do
    if known[name] then
      return name
    end
  end
end

---The client's offers to pack, and our answer.
local function choose_extension(offers, want)
  if not offers or not want then
    return nil
  end
  local agreement, answer = extension.accept(offers, want)
  if agreement == nil then
    refuse(400, "Sec-WebSocket-Extensions is no list of extensions.")
  end
  return agreement or nil, answer
end

---Checks a request. Raises a refusal, or gives the headers of the answer,
---beyond Upgrade and Connection, and what was agreed on.
---@param req table
---@param options table
---@param want miniloop.websocket.deflate|false
---@return table headers
---@return { subprotocol: string?, extensions: string? } fields of the object
---@return miniloop.websocket.agreement? agreement on packing
function handshake.answer(req, options, want)
  check_upgrade(req)
  local headers = req.headers
  local accept = core.websocket.accept(headers["sec-websocket-key"] or "")
  if not accept then
    refuse(400, "Sec-WebSocket-Key is no key.")
  end
  local origin = headers["origin"]
  if origin and not is_welcome(req, origin, options.origin) then
    refuse(403, "Pages of this origin may not connect.")
  end
  local subprotocol =
    choose(headers["sec-websocket-protocol"], options.subprotocols)
  local agreement, extensions =
    choose_extension(headers["sec-websocket-extensions"], want)
  return {
    ["Sec-WebSocket-Accept"] = accept,
    ["Sec-WebSocket-Protocol"] = subprotocol,
    ["Sec-WebSocket-Extensions"] = extensions,
  }, { subprotocol = subprotocol, extensions = extensions }, agreement
end

-- ----------------------------------------------------------------- the client

-- What the handshake itself says, and who asks must not.
local own = {
  ["host"] = true, ["upgrade"] = true, ["connection"] = true,
  ["sec-websocket-key"] = true, ["sec-websocket-version"] = true,
  ["sec-websocket-protocol"] = true, ["sec-websocket-extensions"] = true,
  ["content-length"] = true, ["transfer-encoding"] = true,
}

---Why a header of the caller's cannot be sent, or nil.
function handshake.header_fault(name, value)
  if not is_token(name) then
    return "no name of a header"
  elseif own[name:lower()] then
    return "the handshake's own"
  elseif type(value) ~= "string" or value:find("[%z\1-\8\10-\31\127]") then
    return "no value of a header"
  end
end

---The head of a request.
---@param host string with the port, where it is not the scheme's own
---@param target string
---@param key string
---@param options table
---@param want miniloop.websocket.deflate|false
---@return string
function handshake.request(host, target, key, options, want)
  local lines = {
    "GET " .. target .. " HTTP/1.1",
    "Host: " .. host,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: " .. key,
    "Sec-WebSocket-Version: " .. version,
  }
  local subprotocols = options.subprotocols or {}
  if #subprotocols > 0 then
    lines[#lines + 1] = "Sec-WebSocket-Protocol: "
      .. table.concat(subprotocols, ", ")
  end
  if want then
    lines[#lines + 1] = "Sec-WebSocket-Extensions: " .. extension.offer(want)
  end
  for name, value in pairs(options.headers or {}) do
    lines[#lines + 1] = name .. ": " .. value
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

---@param name string
---@param offered string[]?
local function was_offered(name, offered)
  for _, one in ipairs(offered or {}) do
    if one == name then
      return true
    end
  end
  return false
end

---Why the answer is none that makes a WebSocket, or nil.
local function answer_fault(response, key)
  local headers = response.headers
  if response.status ~= 101 then
    return ("the server answered %d %s"):format(response.status,
      response.reason)
  elseif response.version ~= "1.1"
    or (headers["upgrade"] or ""):lower() ~= "websocket"
    or not includes(headers["connection"], "upgrade") then
    return "the server did not change to WebSocket"
  elseif headers["sec-websocket-accept"] ~= core.websocket.accept(key) then
    return "the server's answer is not for this request"
  end
end

---Checks the answer (section 4.1, at the end). Gives the reason why it makes no
---WebSocket; or nil, and what was agreed on.
---@param response { status: integer, reason: string, headers: table }
---@param key string
---@param options table
---@param want miniloop.websocket.deflate|false
---@return string? reason
---@return { subprotocol: string?, extensions: string? }? fields
---@return miniloop.websocket.agreement? agreement on packing
function handshake.verdict(response, key, options, want)
  local subprotocol = response.headers["sec-websocket-protocol"]
  local extensions = response.headers["sec-websocket-extensions"]
  local reason = answer_fault(response, key)
  if reason then
    return reason
  end
  local agreement = extensions and want and extension.agreed(extensions, want)
  if extensions and not agreement then
    return "the server wants an extension that was not offered"
  elseif subprotocol and not was_offered(subprotocol, options.subprotocols) then
    return "the server wants a subprotocol that was not offered"
  end
  return nil, { subprotocol = subprotocol, extensions = extensions },
    agreement or nil
end

return handshake
