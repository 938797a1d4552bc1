-- Connecting: names, several addresses at once, time-outs, errors. C7.1, C7.3,
-- C7.5.

local assert_code = require "spec.support.assert_code"
local child = require "spec.support.child"
local endpoints = require "spec.support.endpoints"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local raises = require "spec.support.raises"
local socket = require "socket"
local waiting = require "spec.support.waiting"

local spec = {}

local listener, path

function spec.before_each()
  listener = assert(net.listen("127.0.0.1:0"))
  path = os.tmpname()
  assert(os.remove(path))
end

function spec.after_each()
  listener:close()
end

local function port_of(server)
  return math.tointeger(tonumber(server:address():match(":(%d+)$")))
end

-- Connects, and sees that it is this listener that is there.
local function assert_reaches(server, address, options)
  local near <close> = assert(net.connect(address, options))
  local far <close> = assert(server:accept(1))
  lu.assertTrue(far:write("word"))
  lu.assertEquals(near:read(4), "word")
end

-- ----------------------------------------------------------------- addresses

function spec.test_an_address_is_text_or_a_table()
  local port = port_of(listener)
  for _, address in ipairs {
    "127.0.0.1:" .. port, "localhost:" .. port, ":" .. port,
    { host = "127.0.0.1", port = port }, { host = "localhost", port = port },
    { port = port },
  } do
    assert_reaches(listener, address)
  end
end

function spec.test_ipv6_stands_in_brackets_or_bare_in_a_table()
  local server <close> = assert(net.listen("[::1]:0"))
  assert_reaches(server, server:address())
  assert_reaches(server, { host = "::1", port = port_of(server) })
end

function spec.test_unix_sockets_are_connected_to()
  local server <close> = assert(net.listen("unix:" .. path))
  assert_reaches(server, "unix:" .. path)
  assert_reaches(server, { path = path })
end

function spec.test_a_descriptor_that_is_connected_becomes_a_stream()
  local old = assert(socket.connect(listener:address():match("(.*):(.*)")))
  local near <close> = assert(net.connect { fd = old:getfd() })
  old:setfd(-1) -- it is the stream's now
  local far <close> = assert(listener:accept())
  far:write("word")
  lu.assertEquals(near:read(4), "word")
end

function spec.test_a_descriptor_must_be_connected()
  assert_code("EINVAL", net.connect { fd = listener:getfd() })
  local err = assert_code("EBADF", net.connect { fd = 1000000 })
  lu.assertEquals(err.address, "fd 1000000")
end

-- -------------------------------------------------------------------- errors

function spec.test_a_refusal_names_the_address()
  local address = endpoints.refused()
  local err = assert_code("ECONNREFUSED", net.connect(address))
  lu.assertEquals({ err.op, err.address }, { "connect", address })
  lu.assertNil(err.reason)
  lu.assertStrContains(tostring(err), address)
end

function spec.test_a_refusal_of_a_name_tells_where_that_led()
  local address = endpoints.refused()
  local name = address:gsub("127.0.0.1", "localhost")
  local err = assert_code("ECONNREFUSED", net.connect(name,
    { family = "ipv4" }))
  lu.assertEquals({ err.address, err.reason }, { name, "at " .. address })
end

function spec.test_a_name_that_does_not_exist_is_told_by_the_resolver()
  local value, err = net.connect("no-such-host.invalid:80")
  lu.assertNil(value)
  lu.assertStrMatches(err.code, "EAI_%u+")
  lu.assertEquals({ err.op, err.address },
    { "connect", "no-such-host.invalid:80" })
end

function spec.test_a_unix_socket_that_is_not_there_is_an_error()
  local err = assert_code("ENOENT", net.connect("unix:" .. path))
  lu.assertEquals(err.address, "unix:" .. path)
end

-- ------------------------------------------------------------------- options

function spec.test_an_unknown_option_names_its_neighbour()
  raises("unknown option 'tiemout'; did you mean 'timeout'?",
    function() net.connect("h:1", { tiemout = 1 }) end)
end

function spec.test_an_option_of_the_wrong_type_is_misuse()
  for _, options in ipairs {
    { timeout = "1" }, { timeout = 0 / 0 }, { stagger = true },
    { nodelay = "no" }, { bind = 1 }, { family = 4 }, { family = "inet" },
  } do
    local name = next(options)
    raises("option '" .. name, function() net.connect("h:1", options) end)
  end
end

function spec.test_nodelay_is_on_unless_told_otherwise()
  local address = listener:address()
  local one <close> = assert(net.connect(address))
  local two <close> = assert(net.connect(address, { nodelay = false }))
  lu.assertTrue(one:getoption("nodelay"))
  lu.assertFalse(two:getoption("nodelay"))
end

function spec.test_a_local_address_can_be_asked_for()
  local near <close> = assert(net.connect(listener:address(),
    { bind = "127.0.0.9:0" }))
  lu.assertStrMatches(near:address(), "127%.0%.0%.9:%d+")
  assert_code("EADDRNOTAVAIL", net.connect(listener:address(),
    { bind = "192.0.2.99:0" }))
  assert_code("EINVAL", net.connect(listener:address(), { bind = "127.0.0.1" }))
  local err = assert_code("EINVAL", net.connect(listener:address(),
    { bind = "localhost:0" }))
  lu.assertStrContains(err.reason, "net.resolve")
end

function spec.test_a_family_can_be_asked_for()
  local server <close> = assert(net.listen(":0"))
  local port = port_of(server)
  assert_reaches(server, ":" .. port, { family = "ipv6" })
  assert_reaches(server, "localhost:" .. port, { family = "ipv4" })
  assert_code("EAFNOSUPPORT", net.connect("127.0.0.1:" .. port,
    { family = "ipv6" }))
end

-- ------------------------------------------------------------------ timeouts

function spec.test_a_connect_without_an_answer_times_out_and_names_the_address()
  local silent <close> = endpoints.silent()
  local start = ml.now()
  local err = assert_code("ETIMEDOUT", net.connect(silent.address,
    { timeout = 0.05 }))
  lu.assertTrue(ml.now() - start >= 0.05)
  lu.assertEquals({ err.op, err.address }, { "connect", silent.address })
end

-- A name is not there at once, so this is the resolver that is waited for.
function spec.test_the_timeout_bounds_the_look_up_too()
  local err = assert_code("ETIMEDOUT", net.connect("localhost:1",
    { timeout = 0 }))
  lu.assertEquals(err.address, "localhost:1")
end

function spec.test_a_connect_lasts_ten_seconds_at_most()
  child.in_virtual_time(function()
    local silent <close> = endpoints.silent()
    local start = ml.now()
    local _, err = net.connect(silent.address)
    assert(err.code == "ETIMEDOUT")
    assert(ml.now() - start == 10, "not after ten seconds")
  end)
end

-- ----------------------------------------------------- several at once: C7.5

function spec.test_of_a_list_the_first_that_connects_wins()
  local other <close> = assert(net.listen("127.0.0.1:0"))
  local near <close> = assert(net.connect { listener:address(),
    other:address() })
  lu.assertEquals(near:peer(), listener:address())
  assert_code("ETIMEDOUT", other:accept(0))
end

function spec.test_after_a_failure_the_next_is_tried_at_once()
  local start = ml.now()
  assert_reaches(listener, { endpoints.refused(), listener:address() },
    { stagger = 60 })
  lu.assertTrue(ml.now() - start < 30)
end

function spec.test_an_address_without_an_answer_delays_by_250_ms_only()
  local silent <close> = endpoints.silent()
  local start = ml.now()
  assert_reaches(listener, { silent.address, listener:address() })
  local seconds = ml.now() - start
  lu.assertTrue(seconds >= 0.25 and seconds < 5, seconds)
end

function spec.test_the_stagger_can_be_set()
  local silent <close> = endpoints.silent()
  local start = ml.now()
  local list = { silent.address, silent.address, listener:address() }
  assert_reaches(listener, list, { stagger = 0.01 })
  local seconds = ml.now() - start
  lu.assertTrue(seconds >= 0.02 and seconds < 0.5, seconds)
end

function spec.test_a_slow_attempt_goes_on_beside_the_later_ones()
  local silent <close> = endpoints.silent()
  local other <close> = endpoints.silent()
  local task = waiting(net.connect, { silent.address, other.address },
    { stagger = 0, timeout = 30 })
  -- Room for the first one: its system asks again within a second or so.
  for _, conn in ipairs(silent.waiting) do
    conn:close()
    silent.listener:accept():close()
  end
  local _, near = assert(task:wait())
  lu.assertEquals(near:peer(), silent.address)
  near:close()
end

function spec.test_when_all_fail_the_most_telling_error_is_given()
  local refused = endpoints.refused()
  local value, err = net.connect({ refused, "[::1]:1" },
    { bind = "127.0.0.1:0" })
  assert_code("ECONNREFUSED", value, err)
  lu.assertEquals(err.address, refused)
  err = assert_code("EAFNOSUPPORT", net.connect({ "[::1]:1", "[::1]:2" },
    { bind = "127.0.0.1:0" }))
  lu.assertEquals(err.address, "[::1]:2")
end

function spec.test_a_list_has_no_names()
  local err = assert_code("EINVAL", net.connect { "localhost:1" })
  lu.assertEquals(err.address, "localhost:1")
  lu.assertStrContains(err.reason, "net.resolve")
end

function spec.test_a_unix_listener_without_room_is_asked_again()
  local server <close> = assert(net.listen("unix:" .. path, { backlog = 1 }))
  local near = {}
  repeat
    local conn = net.connect("unix:" .. path, { timeout = 0 })
    table.insert(near, conn)
  until not conn
  local task = waiting(net.connect, "unix:" .. path)
  assert(server:accept(5)):close()
  local _, conn = assert(task:wait(5))
  lu.assertTrue(conn:write("x"))
  conn:close()
  for _, waited in ipairs(near) do
    waited:close()
  end
end

-- ----------------------------------------------------------- cut in the middle

function spec.test_kill_and_cancel_in_a_race_leave_no_descriptor()
  local silent <close> = endpoints.silent()
  for _, name in ipairs { "kill", "cancel" } do
    local task = waiting(net.connect, { silent.address, silent.address },
      { stagger = 0 })
    task[name](task)
    assert_code("ECANCELED", task:wait())
  end
end

function spec.test_kill_and_cancel_in_a_look_up_leave_nothing()
  for _, name in ipairs { "kill", "cancel" } do
    local task = waiting(net.connect, "localhost:" .. port_of(listener))
    task[name](task)
    assert_code("ECANCELED", task:wait())
  end
  assert_code("ETIMEDOUT", listener:accept(0))
end

function spec.test_a_loop_that_ends_does_not_wait_for_a_look_up()
  child.passes(function()
    for _ = 1, 20 do
      ml.spawn(net.connect, "localhost:1")
    end
    ml.yield()
    os.exit(0, true)
  end)
end

function spec.test_other_tasks_run_while_a_name_is_looked_up()
  local ran = false
  ml.spawn(function()
    ran = true
  end)
  assert_reaches(listener, "localhost:" .. port_of(listener))
  lu.assertTrue(ran)
end

-- ------------------------------------------------------------- odd addresses

function spec.test_a_table_may_name_the_service_or_be_wrong()
  for _, case in ipairs {
    { { host = "127.0.0.1", port = "no_such" }, "EAI_SERVICE" },
    { { host = "127.0.0.1", port = "zz{}" }, "EINVAL" },
    { { host = "127.0.0.1", port = " 80" }, "EINVAL" },
    { { host = "127.0.0.1", port = "Zz" }, "EAI_SERVICE" },
    { { host = ("x"):rep(300), port = 80 }, "EINVAL" },
    { { fd = 1 << 40 }, "EBADF" },
    { "a\127b:80", "EINVAL" },
    { "[::1 ]:80", "EINVAL" },
    { "[" .. ("1"):rep(300) .. "]:80", "EINVAL" },
  } do
    assert_code(case[2], net.connect(case[1]))
  end
end

function spec.test_an_abstract_name_is_told_as_it_was_written()
  local name = "unix:@miniloop-spec-" .. path:match("[^/]*$")
  local err = assert_code("ECONNREFUSED", net.connect(name))
  lu.assertEquals(err.address, name)
end

function spec.test_a_family_excludes_numbers_of_the_other()
  local at = listener:address()
  assert_code("EAFNOSUPPORT", net.connect(at, { family = "ipv6" }))
  local unix = { family = "ipv4" }
  assert_code("EAFNOSUPPORT", net.connect("unix:" .. path, unix))
  local conn <close> = assert(net.connect(at, { family = "ipv4" }))
  lu.assertEquals(conn:peer(), at)
end

-- C7.3: options and a scheme go together.
function spec.test_options_stay_as_they_are_where_the_address_says_tls()
  local options = { timeout = 5 }
  local at = endpoints.refused()
  assert_code("ECONNREFUSED", net.connect("tls://" .. at, options))
  lu.assertEquals(options, { timeout = 5 })
end

function spec.test_a_path_is_no_name_to_resolve()
  assert_code("EAI_NONAME", net.resolve("unix:" .. path))
end

return spec
