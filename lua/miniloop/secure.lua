---Connections and listeners with TLS, for miniloop.net. What stands in the
---option `tls` is checked here; the other arguments were checked in C.
local secure = {}

local core = require "miniloop.core"

---Seconds for a connection to begin, unless the options say so.
secure.patience = 10

---Raises if the option `tls` of a function is wrong, at the line of who called
---the function: two levels up from who calls this, for there is C between them.
function secure.check(options, purpose, name, arg)
  local fault = core.tls.fault(options.tls, purpose)
  if fault then
    error(("bad argument #%d to '%s' (%s)"):format(arg, name, fault), 4)
  end
end

local function without_tls(options)
  local own = {}
  for key, value in pairs(options) do
    own[key] = value
  end
  own.tls = nil
  return own
end

---The host that a text names; of "[fe80::1%eth0]:80" and "example.com.:80" what
---can stand in a certificate.
local function host_in(text)
  local host = text:match("^%[(.-)%]:") or text:match("^(.*):") or text
  host = host:gsub("%%.*$", ""):gsub("%.$", "")
  return host == "" and "localhost" or host
end

---The host that an address names; nil if it names none.
local function host_of(address)
  if type(address) == "table" then
    return address.host
  elseif address:find("^unix:") then
    return nil
  end
  return host_in(address)
end

local guard_meta = {}

function guard_meta.__close(guard)
  if guard.conn then
    guard.conn:close()
  end
end

---Says whom an error is about as the caller has called him.
local function blame(err, address)
  if type(address) == "string" then
    err.address = address
  end
  return nil, err
end

---Makes the handshake of a new connection, and gives the connection.
local function shake_hands(conn, context, options, address, timeout)
  local guard <close> = setmetatable({ conn = conn }, guard_meta)
  local ok, err = core.tls.begin(conn, context, options, host_of(address))
  if ok then
    ok, err = conn:handshake(timeout)
  end
  if not ok then
    return blame(err, address)
  end
  guard.conn = nil
  return conn
end

function secure.connect(address, options)
  local purpose = host_of(address) and "connect" or "nameless"
  secure.check(options, purpose, "connect", 2)
  local deadline = core.now() + (options.timeout or secure.patience)
  local context, err = core.tls.prepare(options.tls)
  if not context then
    return nil, err
  end
  local conn
  conn, err = core.net.connect(address, without_tls(options))
  if not conn then
    return nil, err
  end
  return shake_hands(conn, context, options.tls, address,
    deadline - core.now())
end

---A listener whose connections begin with a handshake.
function secure.open(address, options)
  local context, err = core.tls.prepare(options.tls)
  if not context then
    return nil, err
  end
  local listener
  listener, err = core.net.listen(address, without_tls(options))
  if not listener then
    return nil, err
  end
  core.tls.arm(listener, context, options.tls)
  return listener
end

function secure.listen(address, options)
  secure.check(options, "listen", "listen", 2)
  return secure.open(address, options)
end

return secure
