-- The opening handshake, RFC 6455, section 4: what a server makes of a request,
-- and a client of the answer.

local lu = require "luaunit"
local frames = require "spec.support.frames"
local ml = require "miniloop"
local net = require "miniloop.net"
local websocket = require "miniloop.websocket"

local spec = {}

-- The example of section 1.3.
local key, accept = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

-- ----------------------------------------------------------------- the server

-- A request as a server gives it to its handlers. A header of `false` is left
-- out.
local function request(changes, headers)
  local req = {
    method = "GET", path = "/chat", version = "1.1", headers = {
      ["host"] = "example.com", ["upgrade"] = "websocket",
      ["connection"] = "Upgrade", ["sec-websocket-key"] = key,
      ["sec-websocket-version"] = "13",
    },
  }
  for name, value in pairs(headers or {}) do
    req.headers[name] = value or nil
  end
  for name, value in pairs(changes or {}) do
    req[name] = value
  end
  function req:upgrade(protocol, fields, leave)
    local near, far = net.pair()
    self.protocol, self.fields, self.leave, self.far =
      protocol, fields, leave, far
    return near
  end
  return req
end

local function accepted(options, headers)
  local req = request(nil, headers)
  return assert(websocket.accept(req, options)), req
end

local function assert_refused(status, req, options)
  local ok, answer = pcall(websocket.accept, req, options)
  lu.assertFalse(ok)
  lu.assertEquals(type(answer) == "table" and answer.status or answer, status)
  return answer
end

function spec.test_the_example_of_the_standard()
  local ws, req = accepted()
  lu.assertEquals(req.protocol, "websocket")
  lu.assertEquals(req.fields, { ["Sec-WebSocket-Accept"] = accept })
  lu.assertNil(ws.subprotocol)
  assert(ws:send "hello")
  lu.assertEquals(frames.read(req.far).data, "hello")
  req.far:close()
end

function spec.test_upgrade_and_connection_are_lists_in_any_case()
  for _, headers in ipairs {
    { upgrade = "WebSocket" }, { upgrade = "h2c, websocket" },
    { connection = "keep-alive, Upgrade" }, { connection = "UPGRADE" },
    { connection = ",, upgrade ," },
  } do
    local _, req = accepted(nil, headers)
    req.far:close()
  end
end

function spec.test_what_asks_for_no_websocket_is_426()
  for _, headers in ipairs {
    { upgrade = false }, { upgrade = "h2c" }, { upgrade = "websockets" },
    { connection = false }, { connection = "keep-alive" },
    { connection = "upgrades" },
  } do
    local answer = assert_refused(426, request(nil, headers))
    lu.assertEquals(answer.headers,
      { Upgrade = "websocket", Connection = "Upgrade" })
  end
  assert_refused(426, request { version = "1.0" })
end

function spec.test_another_method_is_405()
  local answer = assert_refused(405, request { method = "POST" })
  lu.assertEquals(answer.headers.Allow, "GET")
end

function spec.test_another_version_is_426_and_told_ours()
  for _, version in ipairs { "8", "12", "14", "013", "13, 8", "", false } do
    local answer =
      assert_refused(426, request(nil, { ["sec-websocket-version"] = version }))
    lu.assertEquals(answer.headers["Sec-WebSocket-Version"], "13")
  end
end

function spec.test_what_is_no_key_is_400()
  for _, bad in ipairs {
    "", "abc", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ",
    "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25jZSE=",
    "AAAAAAAAAAAAAAAAAAAAAAAA", key .. ", " .. key, " " .. key, false,
  } do
    assert_refused(400, request(nil, { ["sec-websocket-key"] = bad }))
  end
end

-- ------------------------------------------------------------------- origins

local function welcome(origin, options, host)
  local ok, ws = pcall(websocket.accept,
    request(nil, { origin = origin, host = host or "example.com" }), options)
  if not ok then
    lu.assertEquals(ws.status, 403)
  end
  return ok
end

function spec.test_pages_of_the_same_host_may_connect()
  lu.assertTrue(welcome(false))
  lu.assertTrue(welcome "http://example.com")
  lu.assertTrue(welcome "https://Example.com")
  lu.assertTrue(welcome("http://example.com:8000", nil, "example.com:8000"))
end

function spec.test_pages_of_another_host_may_not()
  for _, origin in ipairs {
    "http://evil.com", "http://example.com.evil.com",
    "http://evil.com/example.com",
    "http://example.com:81", "null", "", "example.com", "http://",
    "http://evil-example.com",
  } do
    lu.assertFalse(welcome(origin), origin)
  end
end

function spec.test_the_origins_that_the_option_names()
  local two = { origin = { "https://a.example", "https://b.example" } }
  lu.assertTrue(welcome("https://a.example", two))
  lu.assertTrue(welcome("https://B.example", two))
  lu.assertTrue(welcome(false, two))
  lu.assertFalse(welcome("http://a.example", two))
  lu.assertFalse(welcome("http://example.com", two))
  lu.assertTrue(welcome("https://c.example", { origin = "https://c.example" }))
  lu.assertTrue(welcome("https://any.where", { origin = "*" }))
  local function is_ours(origin, req)
    return origin:match "%.d%.example$" and req.path == "/chat"
  end
  lu.assertTrue(welcome("https://sub.d.example", { origin = is_ours }))
  lu.assertFalse(welcome("https://d.example", { origin = function()
    return false
  end }))
end

-- -------------------------------------------------------------- subprotocols

function spec.test_the_first_of_ours_that_was_offered_is_spoken()
  local offer = { ["sec-websocket-protocol"] = "chat.v1, chat.v2,other" }
  local spoken = { "chat.v3", "chat.v2", "chat.v1" }
  local ws, req = accepted({ subprotocols = spoken }, offer)
  lu.assertEquals(ws.subprotocol, "chat.v2")
  lu.assertEquals(req.fields["Sec-WebSocket-Protocol"], "chat.v2")
  req.far:close()
end

function spec.test_nothing_in_common_is_no_subprotocol()
  for _, options in ipairs { {}, { subprotocols = { "x" } } } do
    local ws, req = accepted(options, { ["sec-websocket-protocol"] = "chat" })
    lu.assertNil(ws.subprotocol)
    lu.assertNil(req.fields["Sec-WebSocket-Protocol"])
    req.far:close()
  end
end

function spec.test_names_of_subprotocols_are_tokens()
  assert_refused(400, request(nil, { ["sec-websocket-protocol"] = "a b" }))
  lu.assertErrorMsgContains("bad option 'subprotocols' of 'websocket'",
    websocket.accept, request(), { subprotocols = { "a b" } })
end

-- ------------------------------------------------------ the end of the handler

function spec.test_the_end_of_the_handler_closes_the_websocket()
  for _, row in ipairs { { false, 1000 }, { true, 1011 } } do
    local _, req = accepted { close_timeout = 0 }
    req.leave(row[1], row[1] and "oops" or nil)
    lu.assertEquals(frames.read(req.far).data, frames.code(row[2]))
    lu.assertNil(req.far:recv())
  end
end

function spec.test_a_switch_that_fails_is_an_error()
  local req = request()
  function req.upgrade()
    return nil, "gone"
  end
  lu.assertEquals({ websocket.accept(req) }, { nil, "gone" })
end

-- ----------------------------------------------------------------- the client

-- A server that gives this answer, with the key's own acceptance for %ACCEPT.
-- Gives its address, and what was asked.
local function answering(answer)
  local asked = {}
  local server = assert(net.serve("127.0.0.1:0", function(conn)
    for line in conn:lines() do
      asked[#asked + 1] = line:gsub("\r$", "")
      if line == "\r" then
        break
      end
      local theirs = line:match "^Sec%-WebSocket%-Key: (%S+)"
      if theirs then
        local headers = request(nil, { ["sec-websocket-key"] = theirs })
        pcall(websocket.accept, headers)
        asked.accept = headers.fields["Sec-WebSocket-Accept"]
        asked.key = theirs
      end
    end
    conn:write((answer:gsub("\n", "\r\n"):gsub("%%ACCEPT", asked.accept)))
    conn:recv()
  end))
  return server, asked
end

local good = [[
HTTP/1.1 101 Switching Protocols
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Accept: %ACCEPT

]]

local function connect(answer, options, path)
  local server <close>, asked = answering(answer)
  local ws, err =
    websocket.connect("ws://" .. server:address() .. (path or ""), options)
  return ws, err, asked, server:address()
end

-- A table of the lines of a head.
local function fields(lines)
  local found = {}
  for _, line in ipairs(lines) do
    local name, value = line:match "^([^:]+): (.*)$"
    if name then
      lu.assertNil(found[name])
      found[name] = value
    end
  end
  return found
end

function spec.test_what_a_client_asks()
  local ws, err, asked, address =
    connect(good, { subprotocols = { "b", "a" }, headers = { Origin = "x" } },
      "/chat?room=1&x=%20")
  lu.assertNil(err)
  lu.assertEquals(asked[1], "GET /chat?room=1&x=%20 HTTP/1.1")
  lu.assertEquals(fields(asked), {
    ["Host"] = address, ["Upgrade"] = "websocket", ["Connection"] = "Upgrade",
    ["Sec-WebSocket-Key"] = asked.key, ["Sec-WebSocket-Version"] = "13",
    ["Sec-WebSocket-Protocol"] = "b, a", ["Origin"] = "x",
  })
  lu.assertEquals(#asked.key, 24)
  lu.assertNil(ws.subprotocol)
end

function spec.test_each_request_has_its_own_key()
  local _, _, first = connect(good)
  local _, _, second = connect(good)
  lu.assertNotEquals(first.key, second.key)
end

function spec.test_no_path_is_asked_for_as_a_slash()
  for path, target in pairs { [""] = "/", ["?x"] = "/?x", ["/"] = "/" } do
    local _, _, asked = connect(good, nil, path)
    lu.assertEquals(asked[1], "GET " .. target .. " HTTP/1.1")
  end
end

function spec.test_an_answer_may_be_written_in_many_ways()
  for _, answer in ipairs {
    (good:gsub("Upgrade: websocket", "upgrade:WebSocket")),
    (good:gsub("Connection: Upgrade", "CONNECTION: keep-alive, upgrade  ")),
    (good:gsub(" Switching Protocols", "")),
    (good:gsub("\n\n", "\nServer: x\nSet-Cookie: a\n\n")),
    "HTTP/1.1 103 Early Hints\nLink: x\n\n" .. good,
  } do
    local ws, err = connect(answer)
    lu.assertNotNil(ws, tostring(err))
  end
end

function spec.test_the_answers_headers_and_subprotocol_are_told()
  local answer = good:gsub("\n\n", "\nServer: x\nSec-WebSocket-Protocol: a\n\n")
  local ws = connect(answer, { subprotocols = { "b", "a" } })
  lu.assertEquals(ws.subprotocol, "a")
  lu.assertEquals(ws.headers["server"], "x")
end

local refusals = {
  ["Upgrade: websocket"] = {
    "Upgrade: h2c", "X: y", "Upgrade: websocket, h2c",
  },
  ["Connection: Upgrade"] = { "Connection: close", "X: y" },
  ["%%ACCEPT"] = { "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "", "x" },
  ["\n\n"] = {
    "\nSec-WebSocket-Extensions: permessage-deflate\n\n",
    "\nSec-WebSocket-Protocol: other\n\n",
    "\nSec-WebSocket-Protocol: a, b\n\n",
  },
  ["101"] = { "200", "404", "302", "400" }, ["HTTP/1.1"] = { "HTTP/1.0" },
}

function spec.test_answers_that_make_no_websocket()
  for pattern, replacements in pairs(refusals) do
    for _, replacement in ipairs(replacements) do
      local answer = good:gsub(pattern, replacement)
      local ws, err = connect(answer, { subprotocols = { "a", "b" } })
      lu.assertNil(ws)
      lu.assertEquals({ err.code, err.op }, { "ECONNREFUSED", "connect" },
        answer)
      lu.assertEquals(err.status, math.tointeger(answer:match " (%d+)"))
    end
  end
end

local malformed = {
  "hello\n\n", "\n\n",
  "HTTP/1.1 101 x\nno field\n\n", "HTTP/1.1 101 x\n folded: x\n\n",
  "HTTP/1.1 101 x\nname : x\n\n", "HTTP/1.1 101 x\na: b\n c\n\n",
  "HTTP/1.1 101 x\na: \0\n\n", "HTTP/2 101\n\n",
  "HTTP/1.1 101 x\n" .. ("a: b\n"):rep(2000) .. "\n",
}

function spec.test_answers_that_are_no_http()
  for _, answer in ipairs(malformed) do
    local ws, err = connect(answer)
    lu.assertNil(ws)
    lu.assertEquals(err.code, "EPROTO", answer)
  end
end

function spec.test_a_server_that_does_not_answer()
  local listener = assert(net.listen "127.0.0.1:0")
  local url = "ws://" .. listener:address()
  local ws, err = websocket.connect(url, { timeout = 0.005 })
  lu.assertNil(ws)
  lu.assertEquals({ err.code, err.op, err.address },
    { "ETIMEDOUT", "connect", url })
  local task = ml.spawn(websocket.connect, url)
  for _ = 1, 2 do
    listener:accept():close()
  end
  lu.assertNil(select(2, task:wait()))
  listener:close()
  ws, err = websocket.connect(url)
  lu.assertNil(ws)
  lu.assertEquals(err.code, "ECONNREFUSED")
end

function spec.test_one_that_is_killed_while_it_connects_leaves_nothing()
  local listener = assert(net.listen "127.0.0.1:0")
  local task = ml.spawn(websocket.connect, "ws://" .. listener:address())
  local conn = listener:accept()
  lu.assertEquals(conn:read("l"), "GET / HTTP/1.1\r")
  repeat until conn:read("l") == "\r"
  lu.assertTrue(task:kill())
  lu.assertNil(conn:recv())
  listener:close()
end

function spec.test_messages_right_behind_the_answer_are_not_lost()
  local ws =
    connect(good .. frames.make("text", "early") .. frames.make("close"))
  lu.assertEquals(ws:recv(), "early")
  lu.assertEquals({ ws:recv() }, {})
end

-- ------------------------------------------------------------------ addresses

function spec.test_what_is_no_address_of_a_websocket()
  for _, url in ipairs {
    "http://x/", "x", "", "ws:", "ws://", "ws:///path", "ws://x/#part",
    "ws://user@x/", "ws://x y/", "ws://x/\r\nA: b", "ws://x:99999/",
  } do
    local ws, err = websocket.connect(url)
    lu.assertNil(ws)
    lu.assertEquals({ err.code, err.address }, { "EINVAL", url })
  end
end

function spec.test_wrong_options_are_misuse()
  for _, row in ipairs {
    { { maxmesage = 1 }, "did you mean 'maxmessage'" },
    { { maxmessage = "1" }, "number expected" },
    { { maxmessage = -1 }, "from 0 on" }, { { fragment = 0 }, "from 1 on" },
    { { maxframe = 1.5 }, "an integer" }, { { ping = 0 / 0 }, "a number" },
    { { headers = { ["a b"] = "c" } }, "no name of a header" },
    { { headers = { a = "b\r\nc: d" } }, "no value of a header" },
    { { headers = { Host = "x" } }, "the handshake's own" },
    { { subprotocols = { "" } }, "a list of names" },
  } do
    lu.assertErrorMsgContains(row[2], websocket.connect, "ws://x", row[1])
  end
  lu.assertErrorMsgContains("bad argument #1 to 'connect'", websocket.connect,
    {})
end

return spec
