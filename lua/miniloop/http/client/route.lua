---The way to a server: whom to connect to, through what, and who else may use
---that connection.

local core = require "miniloop.core"
local proxies = require "miniloop.http.client.proxy"
local request_line = "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n"

local routes = {}

local function address_of(place)
  return { host = place.host, port = place.port }
end

---The context of TLS that goes with the options, which is made once for each
---table of them.
local function context_for(client, tls)
  if type(tls) ~= "table" then
    return core.tls.prepare(tls)
  end
  local context, err = client.contexts[tls], nil
  if not context then
    context, err = core.tls.prepare(tls)
    client.contexts[tls] = context
  end
  return context, err
end

---What TLS is told of one connection: whom the certificate must name, whatever
---address is connected to, and what of the options is each connection's.
local function tls_for(place, tls, context)
  local own = type(tls) == "table" and tls or {}
  return {
    context = context, name = own.name or place.host, verify = own.verify,
    alpn = own.alpn,
  }
end

---Tells connections apart that go to the same server in different ways.
local function key_of(place, tls, address)
  local key = place.origin
  if type(tls) == "table" or type(tls) == "userdata" then
    key = ("%s by %p"):format(key, tls)
  end
  if type(address) == "table" then
    key = ("%s at %s:%s%s"):format(key, address.host, address.port,
      address.path)
  elseif address then
    key = key .. " at " .. address
  end
  return key
end

---Connects through a proxy that passes bytes on (RFC 9110, 9.3.6), then speaks
---TLS to the server behind it.
local function tunnel(held, place, proxy, context)
  local host = ("%s:%d"):format(
    place.host:find(":", 1, true) and "[" .. place.host .. "]" or place.host,
    place.port)
  local fields = proxy.user and core.http.fields {
    ["Proxy-Authorization"] = proxy.user,
  } or ""
  local ok, err = held.conn:write(request_line:format(host, host, fields))
  local head
  if ok then
    local wire = core.http.wire(held.conn, held.pool.limits)
    head, err = wire:response("CONNECT")
  end
  if not head then
    return nil, err or core.error("ECONNRESET", "proxy", proxy.authority)
  elseif head.status < 200 or head.status > 299 then
    return nil, core.error("ECONNREFUSED", "proxy", proxy.authority,
      ("it answered %d %s"):format(head.status, head.reason))
  end
  ok, err = held.conn:starttls(context)
  return ok, err
end

---@return miniloop.http.route? route
---@return miniloop.error? err
local function through(proxy, place, tls, context)
  local route = { key = proxy.origin, address = address_of(proxy),
    options = { timeout = math.huge } }
  if place.scheme == "http" then
    route.absolute = true
    route.fields = proxy.user and { ["Proxy-Authorization"] = proxy.user }
    return route
  end
  route.key = proxy.origin .. " to " .. key_of(place, tls)
  route.prepare = function(held)
    return tunnel(held, place, proxy, tls_for(place, tls, context))
  end
  return route
end

---A route that is not kept yet.
local function find(client, place, options)
  local secure, tls = place.scheme == "https", options.tls
  local context, err
  if secure then
    context, err = context_for(client, tls)
    if not context then
      return nil, err
    end
  end
  local proxy
  proxy, err = proxies.choose(options.proxy, client.environment, place)
  if proxy == nil then
    return nil, err
  end
  local route = proxy and through(proxy, place, tls, context) or {
    key = key_of(place, tls, options.connect),
    address = options.connect or address_of(place),
    options = {
      timeout = math.huge, tls = secure and tls_for(place, tls, context) or nil,
    },
  }
  route.tls = tls
  return route
end

---The route to a place; the one that the client's own options lead to is kept.
---@param client miniloop.http.client
---@param place miniloop.http.place
---@param options table of the request
---@return miniloop.http.route? route
---@return miniloop.error? err
function routes.new(client, place, options)
  local own = client.options
  local usual = options.tls == own.tls and options.proxy == own.proxy
    and options.connect == own.connect
  local route, err = usual and place.route, nil
  if not route then
    route, err = find(client, place, options)
    place.route = usual and route or place.route
  end
  return route, err
end

return routes
