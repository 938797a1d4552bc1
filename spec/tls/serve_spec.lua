-- net.connect, net.listen and net.serve with TLS. C7.1, C7.2, C2.1.

local assert_code = require "spec.support.assert_code"
local certificates = require "spec.support.certificates"
local fill = require "spec.support.fill"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local raises = require "spec.support.raises"
local tls = require "miniloop.tls"
local tls_pair = require "spec.support.tls_pair"

local spec = { before_each = certificates.need }

local path = certificates.path

local function trusting(options)
  local own = { ca = path("ca.pem") }
  for option, value in pairs(options or {}) do
    own[option] = value
  end
  return own
end

local function connect(server, options)
  return net.connect("tls://" .. server:address(),
    { tls = trusting(options) })
end

local function greet(conn)
  conn:write("hello\n")
end

local function serve(handler, options)
  options = options or {}
  options.tls = options.tls or certificates.of("server")
  return assert(net.serve("127.0.0.1:0", handler, options))
end

-- A wait for bytes of the stream makes the handshake, which they come behind.
function spec.test_who_waits_for_bytes_need_not_have_shaken_hands()
  local listener <close> = net.listen("127.0.0.1:0",
    { tls = certificates.of("server") })
  local client = ml.spawn(function()
    local conn <close> = assert(connect(listener))
    conn:write("x")
    conn:recv()
  end)
  local conn <close> = assert(listener:accept())
  lu.assertTrue(ml.wait_io_read(conn, 5))
  lu.assertEquals(conn:recv(), "x")
  conn:close()
  client:wait()
end

-- ------------------------------------------------------------------- connect

function spec.test_an_address_that_says_tls_is_enough()
  local server <close> = serve(greet)
  local conn <close> = assert(connect(server))
  lu.assertEquals(conn:read("l"), "hello")
  lu.assertEquals(conn:peer(), server:address())
  lu.assertEquals(tostring(conn):match("^stream %(fd %d+%)$"), tostring(conn))
  lu.assertEquals(math.type(conn:getfd()), "integer")
end

function spec.test_the_option_is_enough_too()
  local server <close> = serve(greet)
  local conn <close> = assert(net.connect(server:address(),
    { tls = trusting() }))
  lu.assertEquals(conn:read("l"), "hello")
end

function spec.test_a_table_names_the_host()
  local server <close> = serve(greet)
  local port = server:address():match("%d+$")
  local conn <close> = assert(net.connect(
    { host = "localhost", port = math.tointeger(port) },
    { tls = trusting() }))
  lu.assertEquals(conn:tls().name, "localhost")
end

function spec.test_a_name_may_be_given_for_an_address()
  local server <close> = serve(greet)
  local conn <close> = assert(connect(server, { name = "localhost" }))
  lu.assertEquals(conn:tls().name, "localhost")
  local err = assert_code("ETLS_CERT", connect(server, { name = "other" }))
  lu.assertEquals({ err.op, err.address, err.reason },
    { "handshake", server:address(), "hostname mismatch" })
end

function spec.test_a_unix_socket_takes_a_name()
  local file = os.tmpname()
  os.remove(file)
  local server <close> = assert(net.serve("unix:" .. file, greet,
    { tls = certificates.of("server") }))
  local conn <close> = assert(net.connect("unix:" .. file,
    { tls = trusting { name = "localhost" } }))
  lu.assertEquals(conn:read("l"), "hello")
  raises("to verify a server of TLS takes the option 'name'",
    function() net.connect("unix:" .. file, { tls = true }) end)
  lu.assertNotNil(server)
end

-- The time that a connect may take is that of all its parts.
function spec.test_a_server_that_never_answers_is_given_up()
  local listener <close> = assert(net.listen("127.0.0.1:0"))
  local err = assert_code("ETIMEDOUT", net.connect(
    "tls://" .. listener:address(), { timeout = 0.01, tls = trusting() }))
  lu.assertEquals(err.op, "handshake")
end

function spec.test_a_connect_that_fails_fails_as_any()
  local listener <close> = assert(net.listen("127.0.0.1:0"))
  local address = listener:address()
  listener:close()
  local err = assert_code("ECONNREFUSED", net.connect("tls://" .. address))
  lu.assertEquals(err.op, "connect")
end

function spec.test_a_connect_is_cancelled_in_mid_handshake()
  local listener <close> = assert(net.listen("127.0.0.1:0"))
  local task = ml.spawn(net.connect, "tls://" .. listener:address())
  local peer <close> = listener:accept()
  lu.assertEquals(#peer:recv(1), 1)
  task:cancel()
  assert_code("ECANCELED", task:wait())
  repeat until not peer:recv() -- it was closed
end

function spec.test_options_that_make_no_sense_are_misuse()
  raises("bad argument #2 to 'connect' (unknown option 'nmae' of TLS; did you "
    .. "mean 'name'?)",
    function() net.connect("tls://a:1", { tls = { nmae = "x" } }) end)
  raises("bad argument #2 to 'connect' (option 'tls' must be",
    function() net.connect("tls://a:1", { tls = 1 }) end)
  raises("bad argument #2 to 'listen' (a server of TLS needs",
    function() net.listen("tls://:0") end)
  raises("bad argument #2 to 'listen' (a server of TLS needs",
    function() net.listen(":0", { tls = true }) end)
  raises("bad argument #3 to 'serve' (a server of TLS needs",
    function() net.serve(":0", print, { tls = {} }) end)
  raises("bad argument #2 to 'connect'",
    function() net.connect("a:1", { tsl = true }) end)
end

-- -------------------------------------------------------------------- listen

function spec.test_a_handshake_is_made_by_the_first_who_reads_or_writes()
  local listener <close> = assert(net.listen("127.0.0.1:0",
    { tls = certificates.of("server") }))
  for _, first in ipairs { "handshake", "read", "write" } do
    local client = ml.spawn(function()
      local conn <close> = assert(net.connect("tls://" .. listener:address(),
        { tls = trusting() }))
      conn:write("hello\n")
      return conn:read("l")
    end)
    local conn <close> = listener:accept()
    assert_code("EAGAIN", conn:tls())
    if first ~= "write" then
      lu.assertNotNil(conn[first](conn))
    end
    lu.assertTrue(conn:write("welcome\n"))
    lu.assertEquals(conn:tls().version, "TLSv1.3")
    lu.assertEquals({ client:wait() }, { true, "welcome" })
  end
end

-- One of them waits for what the other takes from the descriptor.
function spec.test_a_reader_and_a_writer_make_it_together()
  local listener <close> = assert(net.listen("127.0.0.1:0",
    { tls = certificates.of("server") }))
  for _ = 1, 2 do
    local client = ml.spawn(function()
      local conn <close> = assert(net.connect("tls://" .. listener:address(),
        { tls = trusting() }))
      conn:write("hello\n")
      return conn:read("l")
    end)
    local conn <close> = listener:accept()
    local writer = ml.spawn(conn.write, conn, "welcome\n")
    local reader = ml.spawn(conn.read, conn, "l")
    lu.assertEquals({ reader:wait() }, { true, "hello" })
    lu.assertEquals({ writer:wait() }, { true, true })
    lu.assertEquals({ client:wait() }, { true, "welcome" })
  end
end

-- A writer waits for the peer's last word, and another task reads it before the
-- poller has a look.
function spec.test_who_waits_for_the_handshake_is_told_when_others_make_it()
  local near, far = net.pair()
  lu.assertNil(far:starttls(tls_pair.server { timeout = 0 }))
  local writer = ml.spawn(far.write, far, "x")
  ml.yield()
  lu.assertEquals(writer:status(), "waiting")
  assert(near:starttls(tls_pair.client()))
  lu.assertEquals({ writer:status(), (far:tls()) }, { "waiting" })
  lu.assertNil(far:recv(1, 0))
  lu.assertNotNil(far:tls())
  lu.assertEquals({ writer:wait(1) }, { true, true })
  near:close()
  far:close()
end

function spec.test_a_context_is_used_by_many()
  local function listeners()
    local context = assert(tls.context(certificates.of("server")))
    return assert(net.listen("127.0.0.1:0", { tls = context })),
      assert(net.listen("127.0.0.1:0", { tls = { context = context } }))
  end
  local a, b = listeners()
  collectgarbage() -- the context is theirs alone
  for _, l in ipairs { a, b } do
    local listener <close> = l
    local client = ml.spawn(net.connect, "tls://" .. listener:address(),
      { tls = trusting() })
    local conn <close> = listener:accept()
    lu.assertTrue(conn:handshake())
    local _, other = client:wait()
    other:close()
  end
end

-- --------------------------------------------------------------------- serve

-- Clients that do all that they should not.
local function bad_clients(address)
  local clients = {}
  for i = 1, 20 do
    local conn = assert(net.connect(address))
    clients[i] = conn
    if i % 4 == 0 then
      conn:write("GET / HTTP/1.0\r\n\r\n")
    elseif i % 4 == 1 then
      conn:write("\22\3\1")
    elseif i % 4 == 2 then
      conn:close()
    end
  end
  return setmetatable(clients, {
    __close = function()
      for _, conn in ipairs(clients) do
        conn:close()
      end
    end,
  })
end

function spec.test_bad_clients_cost_the_others_nothing()
  local handled, told = 0, {}
  local server <close> = serve(function(conn)
    handled = handled + 1
    greet(conn)
  end, {
    on_error = function(err)
      told[#told + 1] = err.op
    end,
  })
  do
    local clients <close> = bad_clients(server:address())
    for _ = 1, 10 do
      local conn <close> = assert(connect(server))
      lu.assertEquals({ conn:read("a") }, { "hello\n" })
    end
    lu.assertNotNil(clients)
  end
  lu.assertTrue(server:stop(1))
  lu.assertEquals(handled, 10)
  lu.assertEquals(#told, 20)
  lu.assertEquals(table.concat(told, " "):gsub("handshake ?", ""), "")
end

-- C7.2
function spec.test_what_a_handler_has_left_goes_out_before_the_end()
  local taken
  local server <close> = serve(function(conn)
    taken = fill(conn)
    lu.assertTrue(conn:unsent() > 0)
  end)
  local conn <close> = assert(connect(server))
  repeat
    ml.yield()
  until taken
  lu.assertEquals(#conn:read("a"), taken)
end

function spec.test_who_does_not_begin_in_time_is_let_go()
  local told
  local server <close> = serve(greet, {
    tls = certificates.of("server", { timeout = 0.005 }),
    on_error = function(err)
      told = err
    end,
  })
  local conn <close> = assert(net.connect(server:address()))
  lu.assertNil(conn:recv())
  lu.assertEquals({ told.op, told.code }, { "handshake", "ETIMEDOUT" })
end

function spec.test_a_listener_with_tls_can_be_served()
  local listener = assert(net.listen("127.0.0.1:0",
    { tls = certificates.of("server") }))
  local server <close> = assert(net.serve(listener, greet))
  local conn <close> = assert(connect(server))
  lu.assertEquals({ conn:read("a") }, { "hello\n" })
end

return spec
