-- Bodies in pieces, both ways.

local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local peer = require "spec.support.http_peer"

local spec = {}

-- What makes a body of pieces.
local function pieces_of(list)
  local i = 0
  return function()
    i = i + 1
    return list[i]
  end
end

local function mirror()
  return peer.serve(function(conn, head, body)
    conn:write(peer.answer(head .. "\n\n" .. body))
  end)
end

function spec.test_a_body_can_be_made_while_it_is_sent()
  local url, server <close> = mirror()
  local client <close> = peer.client()
  local body = client:post(url, { body = pieces_of { "ab", "", "cde" } }).body
  lu.assertStrContains(body, "Transfer-Encoding: chunked")
  lu.assertStrContains(body, "\n\nabcde")
  body = client:post(url, {
    body = pieces_of { "ab", "cde" }, headers = { ["content-length"] = 5 },
  }).body
  lu.assertNotStrContains(body, "chunked")
  lu.assertStrContains(body, "\n\nabcde")
  lu.assertNotNil(server)
end

function spec.test_a_body_can_come_from_a_stream_or_a_file()
  local url, server <close> = mirror()
  local client <close> = peer.client()
  local near, far <close> = net.pair()
  far:write("from a stream")
  far:shutdown("write")
  local from <close> = near
  lu.assertStrContains(client:put(url, { body = from }).body,
    "\n\nfrom a stream")
  local file <close> = io.tmpfile()
  file:write("from a file")
  file:seek("set")
  lu.assertStrContains(client:put(url, { body = file }).body, "\n\nfrom a file")
  lu.assertNotNil(server)
end

function spec.test_what_a_source_raises_is_raised_to_the_caller()
  local url, server <close> = mirror()
  local client <close> = peer.client()
  local value = {}
  local ok, err = pcall(client.post, client, url, { body = function()
    error(value, 0)
  end })
  lu.assertFalse(ok)
  lu.assertIs(err, value)
  ok, err = pcall(client.post, client, url, { body = pieces_of { 1 } })
  lu.assertEquals({ ok, err },
    { false, "a body's source gave a number, not a string" })
  for size, word in pairs { [2] = "longer", [9] = "shorter" } do
    ok, err = pcall(client.post, client, url, {
      body = pieces_of { "abc" }, headers = { ["content-length"] = size },
    })
    lu.assertEquals({ ok, err },
      { false, "the body is " .. word .. " than its Content-Length" })
  end
  lu.assertNotNil(server)
end

function spec.test_an_answer_may_come_before_the_body_is_sent()
  local refusing <close> = assert(net.serve("127.0.0.1:0", function(conn)
    peer.read_head(conn)
    conn:write(peer.answer("too large", "Connection: close\r\n",
      "413 Content Too Large"))
    conn:shutdown("write")
    ml.sleep(0.02)
  end))
  local client <close> = peer.client()
  local where = "http://" .. refusing:address()
  for _, body in ipairs {
    ("x"):rep(30 * 1024 * 1024), function()
      ml.sleep(0)
      return ("x"):rep(10000)
    end,
  } do
    local res, err = client:post(where, { body = body, timeout = 5 })
    lu.assertEquals({ res and res.status, err }, { 413 })
  end
end

function spec.test_both_ways_at_once_do_not_block_each_other()
  local echo <close> = assert(net.serve("127.0.0.1:0", function(conn)
    local head = peer.read_head(conn)
    local left = tonumber(head:match("Content%-Length: (%d+)"))
    conn:write("HTTP/1.1 200 OK\r\nContent-Length: ", left, "\r\n\r\n")
    while left > 0 do
      local bytes = conn:recv()
      conn:write(bytes)
      left = left - #bytes
    end
  end))
  local client <close> = peer.client()
  local body = ("0123456789"):rep(2 * 1024 * 1024)
  local res = client:post("http://" .. echo:address(), { body = body })
  lu.assertTrue(res.body == body)
end

function spec.test_an_answer_can_be_read_in_pieces()
  local go = ml.channel()
  local url, server <close> = peer.serve(function(conn)
    conn:write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for piece in go:values() do
      conn:write(("%x\r\n%s\r\n"):format(#piece, piece))
    end
    conn:write("0\r\n\r\n")
  end)
  local client <close> = peer.client()
  local res <close> = client:get(url, { stream = true })
  lu.assertEquals({ res.status, res.body }, { 200 })
  for _, piece in ipairs { "1", "2" } do
    go:send(piece)
    lu.assertEquals(res:read(), piece)
  end
  go:close()
  lu.assertNil(res:read())
  lu.assertNil(res:read())
  lu.assertNotNil(server)
end

function spec.test_pieces_can_be_looped_over_and_the_connection_goes_on()
  local url, server <close> = peer.serve(function(conn, _, _, n)
    conn:write(peer.answer(("x"):rep(200000) .. n))
  end)
  local client <close> = peer.client()
  for n = 1, 3 do
    local size, last = 0, nil
    for piece in client:get(url, { stream = true }):chunks() do
      size, last = size + #piece, piece
    end
    lu.assertEquals({ size, last:sub(-1) }, { 200001, tostring(n) })
  end
  local list = {}
  for piece in client:get(url):chunks() do
    list[#list + 1] = #piece
  end
  lu.assertEquals(list, { 200001 })
  lu.assertEquals(#client:get(url):read(), 200001)
  lu.assertNotNil(server)
end

function spec.test_a_piece_that_does_not_come_is_a_timeout()
  local url, server <close> = peer.serve(function(conn)
    conn:write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ns")
    ml.sleep(60)
  end)
  local client <close> = peer.client()
  local res = client:get(url, { stream = true, timeout = 0.1 })
  lu.assertEquals(res:read(), "s")
  local piece, err = res:read()
  lu.assertNil(piece)
  lu.assertEquals({ err.code, err.op }, { "ETIMEDOUT", "body" })
  lu.assertEquals(select(2, res:read()).code, "ETIMEDOUT")
  lu.assertNotNil(server)
end

function spec.test_a_piece_that_is_not_right_raises_in_a_loop()
  local url, server <close> = peer.say(
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ns")
  local client <close> = peer.client()
  local got
  local ok, err = pcall(function()
    for piece in client:get(url, { stream = true }):chunks() do
      got = piece
    end
  end)
  lu.assertEquals({ ok, got, err.code }, { false, "s", "EPROTO" })
  lu.assertNotNil(server)
end

function spec.test_an_answer_that_is_dropped_closes_its_connection()
  local here = ml.channel()
  local url, server <close> = peer.serve(function(conn)
    conn:write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ns")
    conn:recv()
    here:send("gone")
    return false
  end)
  local client <close> = peer.client()
  do
    local res <close> = client:get(url, { stream = true })
    lu.assertEquals(res:read(), "s")
  end
  lu.assertEquals(here:recv(5), "gone")
  local first
  for piece in client:get(url, { stream = true }):chunks() do
    first = piece
    if #first > 0 then
      break
    end
  end
  lu.assertEquals(first, "s")
  lu.assertEquals(here:recv(5), "gone")
  local res = client:get(url, { stream = true })
  res:close()
  res:close()
  lu.assertEquals(here:recv(5), "gone")
  lu.assertNil(res:read())
  lu.assertNotNil(server)
end

-- A body goes on while the answer to it is read.
function spec.test_an_answer_can_be_read_while_the_body_is_sent()
  local echo <close> = assert(net.serve("127.0.0.1:0", function(conn)
    peer.read_head(conn)
    conn:write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while true do
      local size = tonumber(conn:read(), 16)
      local bytes = conn:read(size + 2)
      conn:write(("%x\r\n"):format(size), bytes)
      if size == 0 then
        return
      end
    end
  end))
  local client <close> = peer.client()
  local words = ml.channel()
  local res <close> = client:post("http://" .. echo:address(),
    { body = words:values(), stream = true })
  for _, word in ipairs { "1", "2" } do
    words:send(word)
    lu.assertEquals(res:read(), word)
  end
  words:close()
  lu.assertNil(res:read())
end

return spec
