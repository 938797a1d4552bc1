-- Servers that lie, drip, or never end: each is an error with its code, in its
-- time, and with no connection left.

local gzip = require "miniloop.gzip"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local peer = require "spec.support.http_peer"

local spec = {}

-- What a client gets from a server that says `bytes` and closes.
local function get(bytes, options)
  local url, server <close> = peer.say(bytes)
  local client <close> = peer.client()
  local res, err = client:get(url, options)
  lu.assertNotNil(server)
  return res, err, url
end

local head = "HTTP/1.1 200 OK\r\n"

-- RFC 9112: framing that two readers could read in two ways, and what is no
-- HTTP at all.
local refused = {
  "HTTP/1.1 200 OK\nContent-Length: 1\n\na",
  "HTTP/1.1 2OO OK\r\nContent-Length: 1\r\n\r\na",
  "HTTP/1.1  200 OK\r\nContent-Length: 1\r\n\r\na",
  "HTTP/1.1 99 Low\r\nContent-Length: 1\r\n\r\na",
  "HTTP/1.1 2000 OK\r\nContent-Length: 1\r\n\r\na",
  "HTTP/2.0 200 OK\r\nContent-Length: 1\r\n\r\na",
  "ICY 200 OK\r\n\r\n",
  "SSH-2.0-OpenSSH_9.2\r\n",
  "\0\0\0\0\0\0\0\0\r\n\r\n",
  "<html>not HTTP</html>\r\n\r\n",
  head .. "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
  head .. "Content-Length: 1, 2\r\n\r\nab",
  head .. "Content-Length: +1\r\n\r\na",
  head .. "Content-Length: -1\r\n\r\na",
  head .. "Content-Length: 0x1\r\n\r\na",
  head .. "Content-Length: 1 1\r\n\r\na",
  head .. "Content-Length: 99999999999999999999\r\n\r\na",
  head .. "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  head .. "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
  head .. "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
  head .. "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
  head .. "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
  head .. "Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n",
  head .. "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
  head .. "Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n",
  head .. "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\na",
  head .. "Transfer-Encoding: chunked\r\n\r\n\r\n",
  head .. "X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
  head .. "X : a\r\nContent-Length: 0\r\n\r\n",
  head .. "X: a\rY: b\r\nContent-Length: 0\r\n\r\n",
  head .. "X: a\0b\r\nContent-Length: 0\r\n\r\n",
  head .. ": a\r\nContent-Length: 0\r\n\r\n",
  head .. "no colon\r\nContent-Length: 0\r\n\r\n",
}

function spec.test_answers_that_are_not_http_are_refused()
  for _, bytes in ipairs(refused) do
    local res, err = get(bytes)
    lu.assertNil(res, bytes)
    lu.assertEquals(err.code, "EPROTO", bytes)
    lu.assertNotNil(err.address)
  end
end

function spec.test_answers_that_are_cut_off_are_told()
  for _, bytes in ipairs {
    "H", "HTTP/1.1 200 OK\r\n", head .. "Content-Length: 5\r\n",
    head .. "Content-Length: 5\r\n\r\nhell",
    head .. "Transfer-Encoding: chunked\r\n\r\n5\r\nhell",
    head .. "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    head .. "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
  } do
    local res, err = get(bytes)
    lu.assertNil(res, bytes)
    lu.assertTrue(err.code == "EPROTO" or err.code == "ECONNRESET",
      tostring(err))
  end
  local _, err, url = get ""
  lu.assertEquals({ err.code, err.op, err.address },
    { "ECONNRESET", "response", url .. "/" })
end

function spec.test_what_follows_an_answer_is_nobody_s_answer()
  local evil = peer.answer("evil")
  local late = ml.channel()
  local url, server <close> = peer.serve(function(conn, request)
    conn:write(peer.answer(request:match("/[%w_]*")))
    if request:find "/at_once" then
      conn:write(evil)
    elseif request:find "/late" then
      ml.spawn(function()
        conn:write(evil)
        late:send(true)
      end)
    end
  end)
  local client <close> = peer.client()
  for _ = 1, 3 do
    lu.assertEquals(client:get(url .. "/at_once").body, "/at_once")
    lu.assertEquals(client:get(url .. "/next").body, "/next")
    lu.assertEquals(client:get(url .. "/late").body, "/late")
    late:recv()
    lu.assertEquals(client:get(url .. "/next").body, "/next")
  end
  lu.assertNotNil(server)
end

function spec.test_heads_and_bodies_have_limits()
  local cases = {
    head .. ("X: y\r\n"):rep(10000) .. "\r\n",
    head .. "X: " .. ("y"):rep(1000000) .. "\r\n\r\n",
    "HTTP/1.1 200 " .. ("y"):rep(1000000),
    ("HTTP/1.1 100 Continue\r\n\r\n"):rep(1000),
  }
  for i, bytes in ipairs(cases) do
    local res, err = get(bytes)
    lu.assertNil(res)
    lu.assertEquals(err.code, "EPROTO", tostring(i))
  end
  for _, bytes in ipairs {
    head .. "Content-Length: 100000\r\n\r\n" .. ("x"):rep(100000),
    head .. "Transfer-Encoding: chunked\r\n\r\n"
      .. ("1000\r\n" .. ("x"):rep(4096) .. "\r\n"):rep(30),
    head .. "\r\n" .. ("x"):rep(100000),
  } do
    local res, err = get(bytes, { max_body = 50000 })
    lu.assertNil(res)
    lu.assertEquals({ err.code, err.op }, { "EMSGSIZE", "body" })
  end
end

function spec.test_an_endless_head_ends()
  local url, server <close> = peer.serve(function(conn)
    conn:write(head)
    repeat
      local ok = conn:write("X: y\r\n")
    until not ok
    return false
  end)
  local client <close> = peer.client()
  local _, err = client:get(url)
  lu.assertEquals(err.code, "EPROTO")
  lu.assertNotNil(server)
end

-- ------------------------------------------------------------ packed bodies

local function packed(bytes, coding)
  return head .. "Content-Encoding: " .. coding .. "\r\nContent-Length: "
    .. #bytes .. "\r\n\r\n" .. bytes
end

function spec.test_packed_bodies_are_unpacked()
  local text = ("hello "):rep(20000)
  for coding, format in pairs {
    gzip = "gzip", ["x-gzip"] = "gzip", deflate = "deflate", Deflate = "raw",
  } do
    local res, err = get(packed(gzip.compress(text, { format = format }),
      coding))
    lu.assertNil(err)
    lu.assertTrue(res.body == text, coding)
    lu.assertNil(res.headers["content-encoding"])
    lu.assertNil(res.headers["content-length"])
  end
  lu.assertEquals(get(packed("", "gzip")).body, "")
  lu.assertEquals(get(packed("xyz", "br")).body, "xyz")
  local raw = gzip.compress("x")
  local res = get(packed(raw, "gzip"), { gzip = false })
  lu.assertEquals(res.body, raw)
  lu.assertEquals(res.headers["content-encoding"], "gzip")
  res = get(packed(raw, "gzip"),
    { headers = { ["accept-encoding"] = "gzip" } })
  lu.assertEquals(res.body, raw)
end

function spec.test_bad_packing_is_told()
  local good = gzip.compress(("hello"):rep(1000))
  for _, bytes in ipairs {
    "not packed", good:sub(1, -5), good:sub(1, 5), good .. "x",
  } do
    local res, err = get(packed(bytes, "gzip"))
    lu.assertNil(res)
    lu.assertEquals({ err.code, err.op }, { "EBADMSG", "inflate" })
  end
end

function spec.test_a_bomb_is_stopped()
  local bomb = gzip.compress(("\0"):rep(8 * 1024 * 1024))
  lu.assertTrue(#bomb < 10000)
  local res, err = get(packed(bomb, "gzip"), { max_body = 1024 * 1024 })
  lu.assertNil(res)
  lu.assertEquals(err.code, "EMSGSIZE")
end

-- ------------------------------------------------------------------- slowness

-- C5.5
function spec.test_the_timeout_is_for_all_of_a_request()
  local drips = {
    [""] = 1, ["HTTP/1.1 200 OK\r\nX: "] = 1,
    [head .. "Content-Length: 1000\r\n\r\n"] = 1,
    [head .. "Transfer-Encoding: chunked\r\n\r\n"] = 4,
  }
  for start, n in pairs(drips) do
    local url, server <close> = peer.serve(function(conn)
      conn:write(start)
      while start ~= "" and conn:write(n == 4 and "1\r\na\r\n" or "a") do
        ml.sleep(0.005)
      end
      ml.sleep(60)
    end)
    local client <close> = peer.client()
    local began = ml.now()
    local res, err = client:get(url, { timeout = 0.05 })
    lu.assertNil(res)
    lu.assertEquals({ err.code, err.op, err.address },
      { "ETIMEDOUT", "request", url .. "/" })
    lu.assertTrue(ml.now() - began < 2)
    lu.assertNotNil(server)
  end
end

function spec.test_a_server_that_never_accepts_is_a_timeout()
  local listener <close> = assert(net.listen("127.0.0.1:0"))
  local client <close> = peer.client { timeout = 0.02 }
  local _, err = client:get("http://" .. listener:address())
  lu.assertEquals(err.code, "ETIMEDOUT")
end

function spec.test_a_server_that_takes_no_body_is_a_timeout()
  local listener <close> = assert(net.listen("127.0.0.1:0"))
  local client <close> = peer.client { timeout = 0.05 }
  local _, err = client:post("http://" .. listener:address(),
    { body = ("x"):rep(20 * 1024 * 1024) })
  lu.assertEquals(err.code, "ETIMEDOUT")
end

return spec
