-- Two ends of a connection over which TLS is spoken.

local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local certificates = require "spec.support.certificates"

local tls_pair = {}

-- Options for a client that trusts "ca", and more.
function tls_pair.client(options)
  local own = { name = "localhost", ca = certificates.path("ca.pem") }
  for option, value in pairs(options or {}) do
    own[option] = value
  end
  return own
end

-- Options for a server with a certificate, "server" unless named, and more.
function tls_pair.server(options, name)
  local own = certificates.of(name or "server", options)
  own.server = true
  return own
end

-- Goes over to TLS; who fails closes, or else the other end may wait for it.
local function start(conn, options)
  local ok, err = conn:starttls(options)
  if not ok then
    conn:close()
  end
  return ok, err
end

-- Makes the handshake at both ends. Gives what the client's starttls answered,
-- and what the server's did, each as a table.
function tls_pair.shake(near, far, client, server)
  local task = ml.spawn(start, far, server or tls_pair.server())
  local answers = { start(near, client or tls_pair.client()) }
  return answers, { select(2, task:wait()) }
end

local pair_meta = {}

function pair_meta.__close(pair)
  pair.near:close()
  pair.far:close()
end

-- { near =, far = } over which TLS is spoken, near being the client; to be
-- closed.
function tls_pair.open(client, server)
  local near, far = net.pair()
  local mine, other = tls_pair.shake(near, far, client, server)
  lu.assertEquals({ mine[1], tostring(mine[2]) }, { true, "nil" })
  lu.assertEquals({ other[1], tostring(other[2]) }, { true, "nil" })
  return setmetatable({ near = near, far = far }, pair_meta)
end

-- { near =, far =, mine =, other = }, the latter two being the ends of a wire
-- in the middle that the test carries bytes over: near is joined with mine.
function tls_pair.apart()
  local near, mine = net.pair()
  local far, other = net.pair()
  return setmetatable({ near = near, far = far, mine = mine, other = other }, {
    __close = function(wires)
      for _, conn in pairs(wires) do
        conn:close()
      end
    end,
  })
end

-- The next record of TLS, its head of 5 bytes included; nil at the end.
local function read_record(from)
  local head = from:read(5)
  if not head or #head < 5 then
    return nil
  end
  local length = string.unpack(">I2", head, 4)
  return head .. (from:read(length) or "")
end

-- Carries what comes from one to the other, until there is an end, which the
-- other end sees, too. If there is a function `change`, it is given each
-- record, and is to write it.
function tls_pair.carry(from, to, change)
  local take = change and read_record or from.recv
  change = change or to.write
  return ml.spawn(function()
    local bytes = take(from)
    while bytes and change(to, bytes) do
      bytes = take(from)
    end
    to:shutdown("write")
  end)
end

return tls_pair
