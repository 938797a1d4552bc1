-- The load generator of the bench: what is wrong with a server must be seen.

local lu = require "luaunit"
local net = require "miniloop.net"
local tls = require "miniloop.tls"
local authority = require "spec.support.authority"
local measure = require "bench.lib.measure"
local shell = require "spec.support.shell"

-- Loads a server whose handler is given, with options of the generator besides
-- those; what that says, and whether it was content. `secure`: by TLS.
local function load(protocol, handler, options, secure)
  local build = shell.build("ML_BUILD")
  local server = assert(net.serve("127.0.0.1:0", handler, { tls = secure }))
  local pipe = assert(io.popen(("%s/bench/load %s %s deadline=5 %s 2>&1")
    :format(build, protocol, server:address(), options)))
  local output <close> = assert(net.stream(pipe))
  local text = output:read("a")
  local content = pipe:close() == true
  server:stop(0)
  return measure.parse(text), content, text
end

local small = "connections=5 depth=2 size=100 requests=200"

-- An echo server that does something else with the n-th request that comes.
local function echo_but(n, act)
  local count = 0
  return function(conn)
    while true do
      local bytes = conn:read(100)
      if not bytes then
        return
      end
      count = count + 1
      if count ~= n then
        conn:write(bytes)
      elseif act(conn, bytes) == "end" then
        return
      end
    end
  end
end

local echo = echo_but(0)

-- The fault is told, and the run has failed.
local function assert_told(handler, fault)
  local _, content, text = load("echo", handler, small)
  lu.assertStrContains(text, fault)
  lu.assertFalse(content)
end

local spec = {}

function spec.test_all_requests_are_answered()
  local found, content = load("echo", echo, small)
  lu.assertEquals({ found.requests, found.errors, content }, { 200, 0, true })
  lu.assertTrue(found.p50_ns > 0 and found.p50_ns <= found.p99_ns)
  lu.assertTrue(found.p99_ns <= found.max_ns)
end

function spec.test_answers_may_come_in_pieces()
  local found, content = load("echo", function(conn)
    for byte in conn:lines(1) do
      conn:write(byte)
    end
  end, "connections=3 depth=3 size=50 requests=30 idle=2")
  lu.assertEquals({ found.requests, content }, { 30, true })
end

function spec.test_a_wrong_byte_is_seen()
  assert_told(echo_but(20, function(conn, bytes)
    conn:write((bytes:gsub("^.", function(first)
      return string.char(first:byte() ~ 1)
    end)))
  end), "a wrong answer")
end

function spec.test_an_answer_too_many_is_seen()
  assert_told(echo_but(20, function(conn, bytes)
    conn:write(bytes, bytes)
  end), "a wrong answer")
end

function spec.test_a_server_that_closes_is_seen()
  assert_told(echo_but(20, function()
    return "end"
  end), "load: ")
end

function spec.test_a_server_that_does_not_answer_is_given_up()
  local function listen_only(conn)
    conn:read("a")
  end
  local _, content, text = load("echo", echo_but(20, listen_only),
    small .. " deadline=0.2")
  lu.assertStrContains(text, "time is up")
  lu.assertFalse(content)
end

function spec.test_connections_end_in_all_ways_and_others_come()
  local found, content = load("echo", echo,
    small .. " life=5 ends=fin,rst,half")
  lu.assertEquals({ found.requests, found.errors, content }, { 200, 0, true })
  lu.assertTrue(found.opened >= 200 / 5 - 5)
end

function spec.test_requests_that_are_cut_off_are_not_waited_for()
  local found, content = load("echo", echo, small .. " life=5 ends=cut")
  lu.assertEquals({ found.errors, content }, { 0, true })
  lu.assertTrue(found.requests < 200)
end

-- An HTTP server that answers each head with this.
local function answer(text)
  return function(conn)
    for line in conn:lines() do
      if line == "\r" then
        conn:write(text)
      end
    end
  end
end

local head = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n"

function spec.test_http_answers_are_read_in_order()
  local found, content = load("http", answer(head .. "hello, world\n"),
    "connections=3 depth=4 requests=60")
  lu.assertEquals({ found.requests, content }, { 60, true })
end

function spec.test_a_wrong_http_answer_is_seen()
  for _, text in ipairs {
    head .. "hello, World\n",
    head:gsub("200", "500") .. "hello, world\n",
    head:gsub("13", "12") .. "hello, world",
    "hello\r\n\r\n",
  } do
    local _, content, said = load("http", answer(text),
      "connections=1 requests=5")
    lu.assertStrContains(said, "a wrong answer")
    lu.assertFalse(content)
  end
end

-- The file of an answer, with this in it.
local function answer_file(text)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
  return path
end

function spec.test_a_path_and_its_answer_can_be_told()
  local body = ("0123456789"):rep(50000)
  local path = answer_file(body)
  local asked
  local found, content = load("http", function(conn)
    for line in conn:lines() do
      asked = asked or line
      if line == "\r" then
        conn:write("HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n", body)
      end
    end
  end, "path=/a/b browser=yes connections=2 requests=10 body=" .. path)
  os.remove(path)
  lu.assertEquals(asked, "GET /a/b HTTP/1.1\r")
  lu.assertEquals({ found.requests, content }, { 10, true })
end

local function tls_options()
  lu.skipIf(not tls.available(), "there is no OpenSSL")
  local files = authority.files()
  return { cert = files.cert, key = files.key }, "ca=" .. files.ca
end

function spec.test_handshakes_of_tls_are_counted()
  local secure, options = tls_options()
  local answers = answer(head .. "hello, world\n")
  local found, content = load("https", answers,
    options .. " connections=2 life=1 requests=20", secure)
  lu.assertEquals({ found.requests, found.resumed, content }, { 20, 0, true })
  found, content = load("https", answers,
    options .. " connections=2 life=1 warm=6 resume=yes requests=100", secure)
  lu.assertTrue(content)
  lu.assertTrue(found.resumed >= 95)
end

function spec.test_a_certificate_of_nobody_known_is_seen()
  local secure = tls_options()
  local _, content, text = load("https", answer(head .. "hello, world\n"),
    "connections=1 requests=1 ca=" .. secure.cert, secure)
  lu.assertStrContains(text, "load: ")
  lu.assertFalse(content)
end

function spec.test_options_that_are_none_are_refused()
  for _, options in ipairs { "connections=0", "sise=3", "depth", "ends=x",
    "resume=no" } do
    local _, content, text = load("echo", echo, options)
    lu.assertStrContains(text, options)
    lu.assertFalse(content)
  end
end

return spec
