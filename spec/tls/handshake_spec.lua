-- The handshake: how it begins, what is agreed on, and how it is cut short.
-- C2.1, C2.6, C3.6, C5.5.

local assert_code = require "spec.support.assert_code"
local certificates = require "spec.support.certificates"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local raises = require "spec.support.raises"
local scratch = require "spec.support.scratch"
local tls = require "miniloop.tls"
local tls_pair = require "spec.support.tls_pair"
local waiting = require "spec.support.waiting"

local spec = {}

local near, far

function spec.before_each()
  certificates.need()
  near, far = net.pair()
end

function spec.after_each()
  near:close()
  far:close()
end

-- ---------------------------------------------------------------- agreements

local function agreed(client, server)
  local pair <close> = tls_pair.open(tls_pair.client(client),
    tls_pair.server(server))
  return pair.near:tls(), pair.far:tls()
end

function spec.test_both_ends_tell_what_was_agreed_on()
  local mine, other = agreed({ alpn = { "a", "b" } }, { alpn = { "b" } })
  lu.assertEquals({ mine.version, mine.alpn, mine.name, mine.server },
    { "TLSv1.3", "b", "localhost", false })
  lu.assertEquals({ other.version, other.alpn, other.name, other.server },
    { "TLSv1.3", "b", "localhost", true })
  lu.assertEquals(mine.cipher, other.cipher)
end

function spec.test_the_server_chooses_the_protocol_that_it_likes_best()
  lu.assertEquals(agreed({ alpn = { "a", "b" } }, { alpn = { "b", "a" } }).alpn,
    "b")
end

function spec.test_without_a_protocol_of_either_end_none_is_agreed_on()
  lu.assertNil(agreed({ alpn = { "a" } }, {}).alpn)
  lu.assertNil(agreed({}, { alpn = { "a" } }).alpn)
end

function spec.test_with_no_protocol_in_common_there_is_no_connection()
  local mine, other = tls_pair.shake(near, far,
    tls_pair.client { alpn = { "a" } }, tls_pair.server { alpn = { "b" } })
  local err = assert_code("ETLS_ALERT", table.unpack(mine))
  lu.assertEquals(err.reason, "no application protocol")
  assert_code("ETLS_PROTOCOL", table.unpack(other))
end

function spec.test_a_certificate_is_chosen_by_the_name_that_is_asked_for()
  local server = {
    sni = {
      ["A.example"] = certificates.of("a"),
      ["*.b.example"] = certificates.of("b"),
    },
  }
  for name, subject in pairs {
    ["a.example"] = "CN=a.example", ["x.B.example"] = "CN=b.example",
    localhost = "CN=localhost",
  } do
    lu.assertEquals(agreed({ name = name }, server).certificate.subject,
      subject)
  end
end

function spec.test_a_name_that_is_none_leaves_the_stream_as_it_was()
  local name = ("x"):rep(300)
  local err = assert_code("ETLS_CONTEXT",
    near:starttls(tls_pair.client { name = name }))
  lu.assertEquals(err.reason, "the name is no host name")
  far:write("plain")
  lu.assertEquals(near:read(5), "plain")
end

function spec.test_a_stream_that_somebody_writes_to_is_busy()
  local writer = ml.spawn(near.write, near, ("x"):rep(1 << 22))
  ml.yield()
  assert_code("EBUSY", near:starttls(tls_pair.client()))
  writer:kill()
end

-- What is not a socket may carry it as well, such as this pipe, whose other end
-- is the same: who hears himself.
function spec.test_a_pipe_that_leads_back()
  local path = scratch.folder() .. "/pipe"
  lu.assertTrue(os.execute("mkfifo " .. path))
  local file <close> = assert(io.open(path, "r+"))
  local stream = assert(net.stream(file))
  assert_code("ETLS_PROTOCOL", stream:starttls(tls_pair.client()))
  stream:close()
end

-- An alert that is a warning, close_notify: RFC 5246, section 7.2.
function spec.test_a_peer_that_says_good_bye_at_once_has_truncated_it()
  far:write("\21\3\3\0\2\1\0")
  local err = assert_code("ETLS_TRUNCATED", near:starttls(tls_pair.client()))
  lu.assertEquals(err.reason, "in the middle of the handshake")
  assert_code("ETLS_TRUNCATED", near:recv())
end

function spec.test_a_name_that_fits_no_pattern_has_the_servers_own()
  local server = { sni = { ["*.b.example"] = certificates.of("b") } }
  for _, name in ipairs { "x.c.example", ".b.example", "b.example" } do
    local client = { name = name, verify = false }
    lu.assertEquals(agreed(client, server).certificate.subject,
      "CN=localhost")
  end
end

-- What a connection goes over to for a name must not lose the rest.
function spec.test_clients_are_verified_whatever_name_they_ask_for()
  local context = assert(tls.context(certificates.of("server", {
    sni = { ["a.example"] = certificates.of("a") },
    verify = true, ca = certificates.path("ca.pem"),
  })))
  local client = assert(tls.context(certificates.of("client", {
    ca = certificates.path("ca.pem"),
  })))
  for i = 1, 2 do
    local pair <close> = tls_pair.open({ context = client, name = "a.example" },
      { context = context, server = true })
    pair.far:write("x")
    lu.assertEquals(pair.near:recv(), "x")
    local info = pair.far:tls()
    lu.assertEquals({ info.certificate.subject, info.resumed },
      { "CN=alice", i == 2 })
  end
  local mine, other = tls_pair.shake(near, far,
    tls_pair.client { name = "a.example" },
    { context = context, server = true })
  lu.assertTrue(mine[1])
  assert_code("ETLS_CERT", table.unpack(other))
end

-- --------------------------------------------------------------- resumption

local function resumed(client, server)
  local pair <close> = tls_pair.open({ context = client, name = "localhost" },
    { context = server, server = true })
  pair.far:write("x")
  lu.assertEquals(pair.near:recv(), "x") -- the ticket comes before it
  lu.assertEquals(pair.near:tls().resumed, pair.far:tls().resumed)
  return pair.near:tls().resumed
end

function spec.test_a_session_is_resumed_by_the_same_context()
  local ca = { ca = certificates.path("ca.pem") }
  local client = assert(tls.context(ca))
  local server = assert(tls.context(certificates.of("server")))
  lu.assertFalse(resumed(client, server))
  lu.assertTrue(resumed(client, server))
  lu.assertTrue(resumed(client, server))
  lu.assertFalse(resumed(assert(tls.context(ca)), server))
  lu.assertFalse(resumed(client,
    assert(tls.context(certificates.of("server")))))
end

function spec.test_a_server_without_tickets_resumes_nothing()
  local client = assert(tls.context { ca = certificates.path("ca.pem") })
  local server = assert(tls.context(certificates.of("server",
    { tickets = false })))
  lu.assertFalse(resumed(client, server))
  lu.assertFalse(resumed(client, server))
end

function spec.test_many_servers_are_remembered_and_the_oldest_forgotten()
  local client = assert(tls.context { verify = false })
  local server = assert(tls.context(certificates.of("server")))
  local function again(name)
    local pair <close> = tls_pair.open({ context = client, name = name },
      { context = server, server = true })
    pair.far:write("x")
    pair.near:recv()
    return pair.near:tls().resumed
  end
  for i = 1, 65 do
    lu.assertFalse(again("host" .. i))
  end
  lu.assertTrue(again("host65"))
  lu.assertTrue(again("host2"))
  lu.assertFalse(again("host1"))
end

-- ------------------------------------------------------------------ starttls

function spec.test_a_stream_goes_over_to_tls_in_the_middle()
  local task = ml.spawn(function()
    lu.assertEquals(far:read("l"), "STARTTLS")
    far:write("go on\n")
    assert(far:starttls(tls_pair.server()))
    return far:read("l")
  end)
  near:write("STARTTLS\n")
  lu.assertEquals(near:read("l"), "go on")
  lu.assertNil(near:tls())
  assert(near:starttls(tls_pair.client()))
  near:write("secret\n")
  lu.assertEquals({ task:wait() }, { true, "secret" })
end

-- What a server has read ahead of its own answer is the client's hello.
function spec.test_what_was_read_ahead_belongs_to_tls()
  local task = ml.spawn(function()
    lu.assertEquals(far:read("l"), "STARTTLS")
    ml.yield()
    assert(far:starttls(tls_pair.server()))
    return far:read("l")
  end)
  near:write("STARTTLS\n")
  assert(near:starttls(tls_pair.client()))
  near:write("secret\n")
  lu.assertEquals({ task:wait() }, { true, "secret" })
end

-- Plain commands sent along with STARTTLS must not be taken for what came
-- protected.
function spec.test_plain_text_that_was_slipped_in_is_not_taken_for_data()
  near:write("STARTTLS\nDELETE everything\n")
  lu.assertEquals(far:read("l"), "STARTTLS")
  local err = assert_code("ETLS_PROTOCOL", far:starttls(tls_pair.server()))
  lu.assertEquals(err.op, "handshake")
  assert_code("ETLS_PROTOCOL", far:read("l"))
end

function spec.test_a_stream_that_another_task_reads_is_busy()
  local task = waiting(near.recv, near)
  assert_code("EBUSY", near:starttls(tls_pair.client()))
  task:kill()
  lu.assertNil(near:tls())
end

function spec.test_tls_within_tls_is_refused()
  local pair <close> = tls_pair.open()
  assert_code("EISCONN", pair.near:starttls(tls_pair.client()))
end

function spec.test_a_closed_stream_cannot_begin()
  near:close()
  assert_code("EBADF", near:starttls(tls_pair.client()))
  assert_code("EBADF", near:tls())
  assert_code("EBADF", near:handshake())
end

function spec.test_a_stream_without_tls_has_no_handshake_to_make()
  lu.assertTrue(near:handshake())
  lu.assertNil(near:tls())
end

function spec.test_options_that_make_no_sense_are_misuse()
  for message, options in pairs {
    ["unknown option 'nmae' of TLS; did you mean 'name'?"] = { nmae = "x" },
    ["option 'alpn' of TLS must be a list of names of 1 to 255 bytes"] =
      { alpn = { "" } },
    ["option 'name' of TLS must be the name of a host"] = { name = "a\0b" },
    ["to verify a server of TLS takes the option 'name'"] = {},
    ["a server of TLS needs the option 'cert'"] = { server = true },
    ["to verify clients of TLS takes the option 'ca'"] =
      tls_pair.server { verify = true },
    ["option 'verify' of TLS must be true, false or \"optional\""] =
      { verify = 1 },
  } do
    raises(("bad argument #1 to 'starttls' (%s)"):format(message),
      function() near:starttls(options) end)
  end
  raises("options of TLS expected, got nil", function() near:starttls() end)
end

-- ------------------------------------------------------------- cut short

-- A server that is in the midst of its handshake: it has got a byte.
local function half_way(options)
  local task = waiting(far.starttls, far, tls_pair.server(options))
  near:write("\22")
  ml.yield()
  ml.yield()
  lu.assertEquals(task:status(), "waiting")
  return task
end

function spec.test_a_task_is_killed_in_mid_handshake()
  local task = half_way()
  lu.assertTrue(task:kill())
  assert_code("EAGAIN", far:tls())
  near:write("garbage")
  assert_code("ETLS_PROTOCOL", far:recv())
end

function spec.test_a_task_is_cancelled_in_mid_handshake()
  local task = half_way()
  task:cancel()
  assert_code("ECANCELED", task:wait())
end

function spec.test_a_handshake_has_a_time_limit()
  near:starttls { name = "localhost", timeout = 0 }
  local err = assert_code("ETIMEDOUT",
    far:starttls(tls_pair.server { timeout = 0.002 }))
  lu.assertEquals(err.op, "handshake")
end

function spec.test_a_handshake_that_was_cut_is_taken_up_again()
  local client = tls_pair.client { timeout = 0 }
  assert_code("ETIMEDOUT", near:starttls(client))
  local task = ml.spawn(far.starttls, far, tls_pair.server())
  lu.assertTrue(near:handshake(1))
  lu.assertEquals({ task:wait() }, { true, true })
end

function spec.test_a_close_under_a_handshake_ends_it()
  local task = half_way()
  far:close()
  local _, value, err = task:wait()
  assert_code("EBADF", value, err)
end

function spec.test_garbage_in_place_of_a_hello_is_refused()
  local task = waiting(far.starttls, far, tls_pair.server())
  near:write("GET / HTTP/1.1\r\n\r\n")
  local _, value, err = task:wait()
  err = assert_code("ETLS_PROTOCOL", value, err)
  lu.assertEquals(err.reason, "http request")
  assert_code("ETLS_PROTOCOL", far:write("x")) -- and stays so
end

function spec.test_a_peer_that_goes_in_mid_handshake_has_cut_it_off()
  local task = half_way()
  near:close()
  local _, value, err = task:wait()
  err = assert_code("ETLS_TRUNCATED", value, err)
  lu.assertEquals(err.reason, "in the middle of the handshake")
end

function spec.test_a_hello_of_single_bytes_is_understood()
  local wires <close> = tls_pair.apart()
  local function crumble(to, bytes)
    for byte in bytes:gmatch(".") do
      if not to:write(byte) then
        return false
      end
      ml.yield()
    end
    return true
  end
  tls_pair.carry(wires.mine, wires.other, crumble)
  tls_pair.carry(wires.other, wires.mine, crumble)
  local mine, other = tls_pair.shake(wires.near, wires.far)
  lu.assertEquals({ mine[1], other[1] }, { true, true })
end

-- The server has no room to send its part, and somebody waits for data.
function spec.test_a_wait_for_data_sends_what_the_handshake_needs()
  local wires <close> = tls_pair.apart()
  local filled = 0
  repeat
    local n = wires.far:writesome(("x"):rep(65536))
    filled = filled + n
  until n == 0
  assert_code("ETIMEDOUT",
    wires.far:starttls(tls_pair.server { timeout = 0 }))
  tls_pair.carry(wires.mine, wires.other)
  local client = waiting(wires.near.starttls, wires.near, tls_pair.client())
  local reader = waiting(function()
    lu.assertTrue(ml.wait_io_read(wires.far, 5))
    return wires.far:recv()
  end)
  for _ = 1, 10 do
    ml.yield() -- the hello comes
  end
  lu.assertEquals(#wires.other:read(filled), filled)
  tls_pair.carry(wires.other, wires.mine)
  lu.assertEquals({ client:wait() }, { true, true })
  wires.near:write("word")
  lu.assertEquals({ reader:wait() }, { true, "word" })
end

return spec
