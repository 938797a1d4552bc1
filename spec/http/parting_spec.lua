-- The end of a connection whose client is still sending: it is not reset before
-- the client has its answer (RFC 9112, 9.6). The clients are raw sockets.

local lu = require "luaunit"
local certificates = require "spec.support.certificates"
local command = require "spec.support.command"
local http = require "miniloop.http"
local ml = require "miniloop"
local net = require "miniloop.net"
local wire = require "spec.http.wire"

local spec = {}

local server

local function serve(options)
  server = assert(http.serve("127.0.0.1:0", {
    ["GET /"] = function()
      return "page"
    end,
    ["GET /last"] = function(_, res)
      res.headers.Connection = "close"
      return "last"
    end,
    ["POST /"] = function(req)
      return req:body()
    end,
  }, options or { limits = { body = 10 } }))
  return server:address()
end

function spec.before_each()
  server = nil
end

function spec.after_each()
  if server then
    server:stop(0)
  end
end

local big = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
local last = "GET /last HTTP/1.1\r\nHost: a\r\n\r\n"
local close = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

-- Lets the server do what it will do.
local function rounds()
  for _ = 1, 10 do
    ml.yield()
  end
end

-- Sends on while the answer comes, and then some; all of it goes out. What was
-- answered, until the server has no more to say.
local function send_on(conn, question, more)
  assert(conn:write(question))
  assert(ml.wait_io_read(conn))
  for _ = 1, 5 do
    rounds()
    lu.assertTrue(conn:write(more))
  end
  local answers = wire.answers(conn:read("a"))
  lu.assertTrue(conn:write(more))
  return answers
end

local function assert_heard(status, question, more)
  local conn <close> = assert(net.connect(server:address()))
  local answers = send_on(conn, question, more)
  lu.assertEquals(#answers, 1)
  lu.assertEquals(answers[1].status, status)
end

function spec.test_a_body_that_is_too_large_may_come_while_that_is_said()
  serve()
  assert_heard("413", big, ("x"):rep(10000))
end

function spec.test_so_may_what_follows_a_request_that_is_none()
  serve()
  assert_heard("400", "nonsense\r\n\r\n", "and more of it")
end

function spec.test_so_may_requests_behind_an_answer_that_was_the_last()
  serve()
  assert_heard("200", last, last)
  assert_heard("501", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", last)
end

function spec.test_so_may_requests_that_came_with_the_last_one()
  serve()
  assert_heard("200", close .. last, "x")
end

function spec.test_the_same_by_tls()
  certificates.need()
  serve { tls = certificates.of("server"), limits = { body = 10 } }
  local conn <close> = assert(net.connect(server:address(),
    { tls = { ca = certificates.path("ca.pem"), name = "localhost" } }))
  lu.assertEquals(send_on(conn, big, ("x"):rep(10000))[1].status, "413")
end

-- Whether the server has closed the connection, rather than its own half.
local function is_closed(conn)
  for _ = 1, 3 do
    if not conn:write("x") then
      return true
    end
    rounds()
  end
  return false
end

function spec.test_who_has_said_that_it_was_the_last_is_not_waited_for()
  local conn <close> = assert(net.connect(serve()))
  conn:write(close)
  lu.assertEquals(#wire.answers(conn:read("a")), 1)
  lu.assertTrue(is_closed(conn))
end

function spec.test_who_sends_for_ever_is_reset()
  local conn <close> = assert(net.connect(serve()))
  conn:write(big)
  lu.assertEquals(wire.answers(conn:read("a"))[1].status, "413")
  local megabyte, sent = ("x"):rep(1 << 20), 0
  while conn:write(megabyte) do
    sent = sent + 1
    assert(sent < 100)
  end
  lu.assertTrue(sent >= 15)
end

-- On a virtual clock: 2 seconds, however busy the client is.
function spec.test_nobody_is_waited_for_for_long()
  local result = command.run { "--virtual-time", "-e", [[
    local ml, http = require "miniloop", require "miniloop.http"
    local net = require "miniloop.net"
    local server = assert(http.serve("127.0.0.1:0", {}, { limit = 1 }))
    local function ask(more)
      local conn = assert(net.connect(server:address()))
      conn:write(more and "nonsense\r\n\r\n"
        or "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      assert(conn:read("a"):find(more and " 400 " or " 404 "))
      while more and conn:write("x") do ml.sleep(0.1) end
      return conn
    end
    local start = ml.now()
    local first = ask(true)
    print(ml.now() - start >= 2 and ml.now() - start < 2.5)
    start = ml.now()
    local silent = assert(net.connect(server:address()))
    silent:write("nonsense\r\n\r\n")
    ask() -- there was room for one: this waits until that is gone
    print(ml.now() - start >= 2 and ml.now() - start < 2.5)
    server:stop(0)]] }
  command.expect(result, 0, "true\ntrue\n", "")
end

function spec.test_a_server_that_stops_waits_for_nobody()
  local address = serve()
  local before <close> = assert(net.connect(address))
  before:write(big)
  lu.assertEquals(wire.answers(before:read("a"))[1].status, "413")
  local start = ml.now()
  lu.assertTrue(server:stop(10))
  lu.assertTrue(ml.now() - start < 1)
end

return spec
