-- WebSockets with the npm package `ws` on the other side.

local lu = require "luaunit"
local ml = require "miniloop"
local node = require "spec.support.node"
local upgrades = require "spec.support.upgrades"
local websocket = require "miniloop.websocket"

local spec = {}

function spec.before_each()
  node.need "ws"
end

-- --------------------------------------------------------------- we are served

local expected = [[
texts
binary_data
fragments
many_at_once
pings
our_close
their_close
too_long
no_utf8
a_subprotocol
no_extension
a_foreign_origin
an_old_version
a_lost_connection
]]

-- Sends back what comes; "close CODE REASON" closes.
local function echo(ws)
  while true do
    local message, kind = ws:recv()
    if not message then
      return
    end
    local code, reason = message:match "^close (%d+) (.*)$"
    if code then
      ws:close(math.tointeger(code), reason)
      return
    end
    ws:send(message, kind)
  end
end

function spec.test_our_server_and_their_client()
  local server <close> =
    assert(upgrades.serve(echo, { subprotocols = { "chat" } }))
  local client <close> =
    node.start("websocket/node/client.js", "ws://" .. server:address())
  local lines = {}
  for line in client:lines() do
    lines[#lines + 1] = line
  end
  lu.assertEquals(table.concat(lines, "\n") .. "\n", expected)
end

local function packed_by_node(deflate)
  local server <close> = assert(upgrades.serve(echo, { deflate = deflate }))
  local client <close> = node.start("websocket/node/packing_client.js",
    "ws://" .. server:address())
  local lines = {}
  for line in client:lines() do
    lu.assertEquals(line:sub(1, 8), "1005 25 ", line)
    lines[#lines + 1] = line:sub(9)
  end
  return lines
end

function spec.test_packed_messages_and_their_client()
  local name = "permessage-deflate"
  local server_alone = "; server_no_context_takeover"
  local client_alone = "; client_no_context_takeover"
  lu.assertEquals(packed_by_node { context = true, least = 0 }, {
    name, name, name .. server_alone, name .. client_alone,
    name .. "; server_max_window_bits=9", name,
  })
  local alone = name .. server_alone .. client_alone
  lu.assertEquals(packed_by_node(true), {
    alone, alone, alone, alone, alone .. "; server_max_window_bits=9", alone,
  })
end

-- ------------------------------------------------------------- we are a client

-- Their server, which ends when it is asked to.
local function with_server(f)
  local server <close> = node.start("websocket/node/server.js")
  local url = "ws://127.0.0.1:" .. server.out:read "l"
  local ok, err = pcall(f, url)
  local ws = websocket.connect(url)
  if ws then
    ws:send "exit"
  end
  lu.assertTrue(ok, tostring(err))
end

function spec.test_their_server_and_our_client()
  with_server(function(url)
    local ws <close> = assert(websocket.connect(url, {
      subprotocols = { "soup", "chat" }, close_timeout = 1,
    }))
    lu.assertEquals(ws.subprotocol, "chat")
    for _, n in ipairs { 0, 1, 125, 126, 65535, 65536, 300000 } do
      local text = ("\xC3\xA4"):rep(n // 2)
      assert(ws:send(text))
      lu.assertTrue(ws:recv() == text)
      local data = ("\xFF\0"):rep(n // 2)
      assert(ws:send(data, "binary"))
      local got, kind = ws:recv()
      lu.assertTrue(got == data)
      lu.assertEquals(kind, "binary")
    end
    assert(ws:send "ping hello")
    lu.assertEquals(ws:recv(), "pong hello")
    assert(ws:send "fragments")
    lu.assertEquals(ws:recv(), "one, two, three")
    lu.assertTrue(ws:close(1000, "thanks"))
    lu.assertEquals(ws.code, 1000)
  end)
end

function spec.test_packed_messages_and_their_server()
  with_server(function(url)
    for _, deflate in ipairs {
      true, { least = 1 }, { context = true, least = 1 },
      { context = true, level = 9 },
    } do
      local ws <close> = assert(websocket.connect(url, {
        deflate = deflate, fragment = 1000,
      }))
      lu.assertStrContains(ws.extensions, "permessage-deflate")
      for _, n in ipairs { 0, 1, 1000, 1000, 300000, 300000 } do
        local text = ("\xC3\xA4"):rep(n)
        assert(ws:send(text))
        lu.assertTrue(ws:recv() == text)
      end
      assert(ws:send "fragments")
      lu.assertEquals(ws:recv(), "one, two, three")
      lu.assertTrue(ws:close())
    end
  end)
end

function spec.test_our_fragments()
  with_server(function(url)
    local ws <close> = assert(websocket.connect(url, { fragment = 1000 }))
    local text = ("x"):rep(123456)
    assert(ws:send(text))
    lu.assertTrue(ws:recv() == text)
    lu.assertTrue(ws:close())
  end)
end

function spec.test_how_their_server_ends()
  with_server(function(url)
    local function ask(text, options)
      local ws <close> = assert(websocket.connect(url, options))
      assert(ws:send(text))
      local message, err = ws:recv()
      lu.assertNil(message)
      return err, ws.code, ws.reason
    end
    local err, code, reason = ask "close 1000 bye"
    lu.assertEquals({ code, reason }, { 1000, "bye" })
    lu.assertNil(err)
    err, code = ask "close 1013 later"
    lu.assertEquals({ err.code, code }, { "ECONNABORTED", 1013 })
    lu.assertEquals(ask("terminate").code, "ECONNRESET")
    lu.assertEquals(ask("bad").code, "EILSEQ")
    lu.assertEquals(ask("raw c100").code, "EPROTO") -- a reserved bit
    lu.assertEquals(ask("fragments", { maxmessage = 10 }).code, "EMSGSIZE")
    err, code = ask(("x"):rep((1 << 20) + 1))
    lu.assertEquals({ err.code, code }, { "ECONNABORTED", 1009 })
  end)
end

function spec.test_a_server_that_asks_whether_we_are_there()
  with_server(function(url)
    -- One ping, and as long for Node to answer on a machine that is busy.
    local ws <close> = assert(websocket.connect(url, { ping = 0.5 }))
    local _, err = ws:recv(0.75)
    lu.assertEquals(err.op, "recv")
    lu.assertNotStrContains(tostring(err), "does not answer")
    assert(ws:send "still here")
    lu.assertEquals(ws:recv(1), "still here")
    ml.yield()
    lu.assertTrue(ws:close())
  end)
end

return spec
