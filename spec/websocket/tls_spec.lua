-- WebSockets over TLS.

local lu = require "luaunit"
local certificates = require "spec.support.certificates"
local node = require "spec.support.node"
local upgrades = require "spec.support.upgrades"
local ml = require "miniloop"
local websocket = require "miniloop.websocket"

local spec = {}

local function echo(ws)
  for message, kind in ws:messages() do
    ws:send(message, kind)
  end
end

-- A server whose certificate is of "localhost", and its URL.
local function serve(handler, options)
  local server = assert(upgrades.serve(handler, options,
    { tls = certificates.of "server" }))
  return server, "wss://localhost:" .. server:address():match "%d+$"
end

local trusted = { tls = { ca = certificates.path "ca.pem" } }

function spec.test_messages_both_ways()
  local _ <close>, url = serve(echo)
  local ws <close> = assert(websocket.connect(url, trusted))
  for _, n in ipairs { 0, 1, 125, 65536, 1000000 } do
    local data = ("x"):rep(n)
    assert(ws:send(data, "binary"))
    lu.assertTrue(ws:recv() == data)
  end
  lu.assertTrue(ws:close())
end

function spec.test_a_server_that_cannot_prove_who_it_is()
  local _ <close>, url = serve(echo)
  local ws, err = websocket.connect(url)
  lu.assertNil(ws)
  lu.assertEquals(err.code, "ETLS_CERT")
end

function spec.test_a_message_larger_than_all_buffers()
  local _ <close>, url = serve(function(ws)
    assert(ws:send(("y"):rep(8 << 20)))
    ws:close()
  end)
  local ws <close> = assert(websocket.connect(url, {
    tls = trusted.tls, maxmessage = 8 << 20,
  }))
  lu.assertEquals(#ws:recv(), 8 << 20)
  lu.assertEquals({ ws:recv() }, {})
end

-- Of a task that sends and reads nothing, too, all goes out.
function spec.test_a_message_goes_out_to_its_end()
  local read = ml.event()
  local _ <close>, url = serve(function(ws)
    assert(ws:send(("y"):rep(8 << 20)))
    read:wait()
  end)
  local ws <close> = assert(websocket.connect(url, {
    tls = trusted.tls, maxmessage = 8 << 20,
  }))
  lu.assertEquals(#(ws:recv(5) or ""), 8 << 20)
  read:set()
end

function spec.test_a_client_of_node()
  node.need "ws"
  local _ <close>, url = serve(function(ws)
    local message, kind = ws:recv()
    while message do
      local code, reason = message:match "^close (%d+) (.*)$"
      if code then
        ws:close(math.tointeger(code), reason)
      end
      ws:send(message, kind)
      message, kind = ws:recv()
    end
  end, { subprotocols = { "chat" } })
  local client <close> = node.start("websocket/node/client.js", url,
    certificates.path "ca.pem")
  local last
  for line in client:lines() do
    last = line
  end
  lu.assertEquals(last, "a_lost_connection")
end

return spec
