-- Datagrams: C7.1, C7.3.

local assert_code = require "spec.support.assert_code"
local endpoints = require "spec.support.endpoints"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local raises = require "spec.support.raises"
local socket = require "socket"
local waiting = require "spec.support.waiting"

local spec = {}

local a, b

function spec.before_each()
  a = assert(net.udp("127.0.0.1:0"))
  b = assert(net.udp("127.0.0.1:0"))
end

function spec.after_each()
  a:close()
  b:close()
end

local function port_of(udp)
  return udp:address():match(":(%d+)$")
end

-- -------------------------------------------------------- sendto, recvfrom

function spec.test_a_datagram_arrives_with_its_sender()
  lu.assertTrue(a:sendto("word", b:address()))
  lu.assertEquals({ b:recvfrom() }, { "word", a:address() })
end

function spec.test_the_bounds_of_datagrams_are_kept()
  for _, data in ipairs { "one", "", "three", ("x"):rep(65507) } do
    lu.assertTrue(a:sendto(data, b:address()))
    lu.assertEquals({ b:recvfrom() }, { data, a:address() })
  end
end

function spec.test_recvfrom_waits()
  local task = waiting(b.recvfrom, b)
  lu.assertTrue(a:sendto("word", b:address()))
  lu.assertEquals({ task:wait() }, { true, "word", a:address() })
end

function spec.test_what_does_not_fit_is_cut_off_and_told()
  a:sendto("abcdef", b:address())
  lu.assertEquals({ b:recvfrom(4) }, { "abcd", a:address(), true })
  a:sendto("abcd", b:address())
  lu.assertEquals({ b:recvfrom(4) }, { "abcd", a:address() })
  a:sendto("abcd", b:address())
  lu.assertEquals({ b:recvfrom(0) }, { "", a:address(), true })
end

function spec.test_timeouts()
  local start = ml.now()
  local err = assert_code("ETIMEDOUT", b:recvfrom(nil, 0.02))
  lu.assertEquals(err.op, "recvfrom")
  lu.assertTrue(ml.now() - start >= 0.02)
  assert_code("ETIMEDOUT", b:recv(10, 0))
end

function spec.test_a_datagram_that_is_too_long_is_refused()
  local err = assert_code("EMSGSIZE", a:sendto(("x"):rep(65508), b:address()))
  lu.assertEquals({ err.op, err.address }, { "sendto", b:address() })
end

-- C2.6: at once, not when the resolver has answered
function spec.test_a_socket_that_is_closed_ends_the_look_up_of_a_name()
  local mine = assert(net.udp("127.0.0.1:0"))
  local task = ml.spawn(mine.sendto, mine, "x", "localhost:9")
  ml.yield()
  mine:close()
  lu.assertEquals(task:status(), "ready")
  local _, value, err = task:wait()
  lu.assertNil(value)
  lu.assertEquals(err.code, "EBADF")
end

function spec.test_a_name_is_resolved()
  lu.assertTrue(a:sendto("word", "localhost:" .. port_of(b)))
  lu.assertTrue(a:sendto("more", { host = "localhost", port = port_of(b) + 0 }))
  lu.assertEquals({ b:recv(), b:recv() }, { "word", "more" })
  local _, err = a:sendto("x", "no-such-host.invalid:1")
  lu.assertStrMatches(err.code, "EAI_%u+")
  lu.assertEquals(err.address, "no-such-host.invalid:1")
end

function spec.test_numbers_are_sent_as_text()
  a:sendto(42, b:address())
  lu.assertEquals(b:recv(), "42")
end

-- ---------------------------------------------------------------- addresses

function spec.test_without_an_address_a_socket_takes_any_port()
  local c <close> = assert(net.udp())
  lu.assertTrue(c:sendto("word", b:address()))
  local data, from = b:recvfrom()
  lu.assertEquals({ data, from }, { "word", "127.0.0.1:" .. port_of(c) })
  lu.assertTrue(b:sendto("back", from))
  lu.assertEquals({ c:recvfrom() }, { "back", b:address() })
end

function spec.test_one_socket_speaks_both_families()
  local both <close> = assert(net.udp(":0"))
  local six <close> = assert(net.udp("[::1]:0"))
  lu.assertTrue(both:sendto("four", b:address()))
  lu.assertTrue(both:sendto("six", six:address()))
  lu.assertEquals(b:recv(), "four")
  lu.assertEquals({ six:recvfrom() }, { "six", "[::1]:" .. port_of(both) })
end

function spec.test_a_socket_of_one_family_cannot_reach_the_other()
  lu.assertNil((a:sendto("x", "[::1]:9")))
  local only <close> = assert(net.udp("[::]:0", { v6only = true }))
  lu.assertNil((only:sendto("x", b:address())))
end

function spec.test_an_inherited_descriptor_is_used()
  local old = assert(socket.udp())
  assert(old:setsockname("127.0.0.1", 0))
  local c <close> = assert(net.udp { fd = old:getfd() })
  old:setfd(-1) -- it is ours now
  lu.assertTrue(a:sendto("word", c:address()))
  lu.assertEquals(c:recv(), "word")
  local listener <close> = assert(net.listen("127.0.0.1:0"))
  local err = assert_code("EINVAL", net.udp { fd = listener:getfd() })
  lu.assertEquals(err.reason, "it is no datagram socket")
end

function spec.test_a_port_in_use_is_refused()
  local err = assert_code("EADDRINUSE", net.udp(a:address()))
  lu.assertEquals({ err.op, err.address }, { "udp", a:address() })
  local one <close> = assert(net.udp("127.0.0.1:0", { reuseport = true }))
  local two <close> = assert(net.udp(one:address(), { reuseport = true }))
  lu.assertEquals(two:address(), one:address())
end

-- ------------------------------------------------------------------- connect

function spec.test_a_connected_socket_sends_and_receives_without_addresses()
  lu.assertTrue(a:connect(b:address()))
  lu.assertEquals(a:peer(), b:address())
  lu.assertTrue(a:send("word"))
  local data, from = b:recvfrom()
  lu.assertEquals({ data, from }, { "word", a:address() })
  b:sendto("back", from)
  lu.assertEquals({ a:recv() }, { "back" })
end

function spec.test_a_connected_socket_hears_nobody_else()
  lu.assertTrue(a:connect(b:address()))
  local c <close> = assert(net.udp("127.0.0.1:0"))
  c:sendto("noise", a:address())
  b:sendto("word", a:address())
  lu.assertEquals(a:recv(), "word")
end

function spec.test_a_connected_socket_is_told_that_nobody_is_there()
  lu.assertTrue(a:connect(endpoints.refused()))
  lu.assertTrue(a:send("x"))
  assert_code("ECONNREFUSED", a:recv(10, 1))
end

function spec.test_connect_resolves_and_send_needs_it()
  assert_code("EDESTADDRREQ", a:send("x"))
  assert_code("ENOTCONN", a:peer())
  lu.assertTrue(a:connect("localhost:" .. port_of(b)))
  lu.assertTrue(a:send("word"))
  lu.assertEquals(b:recv(), "word")
end

-- --------------------------------------------------------------------- close

function spec.test_close_ends_who_waits()
  local one, two = waiting(b.recvfrom, b), waiting(b.recv, b)
  b:close()
  for _, task in ipairs { one, two } do
    local _, value, err = assert(task:wait())
    assert_code("EBADF", value, err)
  end
  assert_code("EBADF", b:recvfrom())
  assert_code("EBADF", b:recv())
  assert_code("EBADF", b:send("x"))
  assert_code("EBADF", b:sendto("x", a:address()))
  assert_code("EBADF", b:sendto("x", "localhost:1"))
  assert_code("EBADF", b:connect(a:address()))
  assert_code("EBADF", b:address())
end

function spec.test_close_in_the_middle_of_a_look_up()
  local task = waiting(a.sendto, a, "x", "localhost:" .. port_of(b))
  a:close()
  assert_code("EBADF", select(2, task:wait()))
end

function spec.test_kill_and_cancel_leave_nothing()
  for _, name in ipairs { "kill", "cancel" } do
    local task = waiting(b.recvfrom, b)
    task[name](task)
    assert_code("ECANCELED", task:wait())
  end
  a:sendto("word", b:address())
  lu.assertEquals(b:recv(), "word")
end

function spec.test_a_socket_is_closed_at_the_end_of_its_block()
  local address
  do
    local c <close> = assert(net.udp("127.0.0.1:0"))
    address = c:address()
  end
  local again <close> = assert(net.udp(address))
  lu.assertEquals(again:address(), address)
end

-- ------------------------------------------------------------------- the rest

function spec.test_two_tasks_get_a_datagram_each()
  local one, two = waiting(b.recv, b), waiting(b.recv, b)
  a:sendto("first", b:address())
  a:sendto("second", b:address())
  lu.assertItemsEquals({ one:join(), two:join() }, { "first", "second" })
end

-- C5.6: both are woken by the one datagram.
function spec.test_who_was_woken_in_vain_and_cancelled_meanwhile_raises()
  local two
  local one = waiting(function()
    local data = b:recv()
    two:cancel("late")
    return data
  end)
  two = waiting(b.recv, b)
  a:sendto("first", b:address())
  lu.assertEquals({ one:wait() }, { true, "first" })
  local err = assert_code("ECANCELED", two:wait())
  lu.assertEquals(err.reason, "late")
end

function spec.test_it_has_socket_options_and_is_an_io()
  lu.assertTrue(a:setoption("broadcast", true))
  lu.assertTrue(a:getoption("broadcast"))
  assert_code("ETIMEDOUT", ml.wait_io_read(b, 0))
  a:sendto("word", b:address())
  lu.assertTrue(ml.wait_io_read(b))
  lu.assertEquals(math.type(b:getfd()), "integer")
end

function spec.test_misuse()
  raises("bad argument #1 to 'sendto'", function() a:sendto({}, ":1") end)
  raises("bad argument #2 to 'sendto'", function() a:sendto("x") end)
  raises("bad argument #3 to 'sendto'", function() a:sendto("x", ":1", "1") end)
  raises("bad argument #1 to 'recvfrom'", function() a:recvfrom("1") end)
  raises("cannot be negative", function() a:recvfrom(-1) end)
  raises("bad argument #2 to 'recv'", function() a:recv(1, 0 / 0) end)
  raises("option 'v6olny'", function() net.udp(":0", { v6olny = 1 }) end)
  raises("did you mean 'sendto'?", function() a.sentdo() end)
end

function spec.test_other_programs_are_spoken_with()
  local client <close> = assert(io.popen(("printf word | socat -t 1 - UDP:%s")
    :format(a:address())))
  local data, from = a:recvfrom(nil, 5)
  lu.assertEquals(data, "word")
  lu.assertTrue(a:sendto("answer", from))
  lu.assertTrue(ml.wait_io_read(client, 5))
  lu.assertEquals(client:read(6), "answer")
end

-- ---------------------------------------------------------------- names

function spec.test_a_name_is_looked_up_in_the_family_of_the_socket()
  lu.assertTrue(a:sendto("word", "localhost:" .. port_of(a)))
  lu.assertEquals({ a:recvfrom(nil, 5) }, { "word", a:address() })
end

-- Not every system has one for IPv6.
function spec.test_a_socket_of_ipv6_takes_a_name_of_either_family()
  local udp <close> = assert(net.udp("[::1]:0"))
  local sent, err = udp:sendto("word", "localhost:" .. port_of(udp))
  if sent then
    lu.assertEquals({ udp:recvfrom(nil, 5) }, { "word", udp:address() })
  else
    assert_code("ENETUNREACH", sent, err)
  end
end

function spec.test_it_may_be_bound_to_a_name()
  local udp <close> = assert(net.udp("localhost:0"))
  lu.assertStrMatches(udp:address(), ".*:%d+")
end

return spec
