-- Listeners: where they listen, whom they accept, what they leave behind. C7.1,
-- C7.3, and of C7.5 what happens when descriptors run out.

local assert_code = require "spec.support.assert_code"
local child = require "spec.support.child"
local lfs = require "lfs"
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
  os.remove(path)
end

-- Says one word through the listener, from one end to the other.
local function assert_carries(server, address)
  local near <close> = assert(net.connect(address or server:address()))
  local far <close> = assert(server:accept())
  lu.assertTrue(near:write("word"))
  near:shutdown("write")
  lu.assertEquals(far:read("a"), "word")
end

-- ----------------------------------------------------------------- addresses

function spec.test_port_0_takes_a_free_one_and_address_tells_which()
  local port = listener:address():match("^127%.0%.0%.1:(%d+)$")
  lu.assertTrue(math.tointeger(tonumber(port)) > 0)
  assert_carries(listener)
end

function spec.test_an_address_is_text_or_a_table()
  for _, address in ipairs {
    "127.0.0.1:0", "[::1]:0", ":0", "localhost:0", "unix:" .. path,
    { host = "127.0.0.1", port = 0 }, { host = "::1", port = 0 },
    { host = "", port = 0 }, { port = 0 }, { path = path },
  } do
    local server <close> = assert(net.listen(address))
    assert_carries(server)
  end
end

function spec.test_no_host_means_every_interface_in_both_families()
  local server <close> = assert(net.listen(":0"))
  local port = server:address():match(":(%d+)$")
  assert_carries(server, ":" .. port)
  assert_carries(server, "127.0.0.1:" .. port)
  assert_carries(server, "[::1]:" .. port)
end

function spec.test_v6only_keeps_the_other_family_out()
  local server <close> = assert(net.listen("[::]:0", { v6only = true }))
  local port = server:address():match(":(%d+)$")
  assert_carries(server, "[::1]:" .. port)
  assert_code("ECONNREFUSED", net.connect("127.0.0.1:" .. port))
end

function spec.test_an_inherited_descriptor_is_listened_on()
  local old = assert(socket.bind("127.0.0.1", 0))
  local server <close> = assert(net.listen { fd = old:getfd() })
  old:setfd(-1) -- it is the listener's now
  assert_carries(server)
end

function spec.test_an_inherited_descriptor_must_listen()
  local a, b = net.pair()
  local value, err = net.listen { fd = a:getfd() }
  assert_code("EINVAL", value, err)
  lu.assertEquals(err.reason, "it is no listening socket")
  lu.assertTrue(a:write("still mine"))
  a:close()
  b:close()
  assert_code("EBADF", net.listen { fd = 1000000 })
  assert_code("EBADF", net.listen { fd = -1 })
end

function spec.test_a_name_that_does_not_exist_is_told_as_such()
  local value, err = net.listen("no-such-host.invalid:0")
  lu.assertNil(value)
  lu.assertStrMatches(err.code, "EAI_%u+")
  lu.assertEquals(err.address, "no-such-host.invalid:0")
end

-- ------------------------------------------------------------------- options

function spec.test_an_unknown_option_names_its_neighbour()
  raises("unknown option 'backlogg'; did you mean 'backlog'?",
    function() net.listen(":0", { backlogg = 1 }) end)
  raises("bad argument #2 to 'listen'", function() net.listen(":0", 1) end)
end

function spec.test_an_option_of_the_wrong_type_is_misuse()
  local at = "127.0.0.1:0"
  raises("'backlog' must", function() net.listen(at, { backlog = "1" }) end)
  raises("'backlog' must", function() net.listen(at, { backlog = -1 }) end)
  raises("'nodelay' must", function() net.listen(at, { nodelay = 1 }) end)
  raises("'v6only' must", function() net.listen(at, { v6only = 0 }) end)
  raises("'mode' must", function() net.listen(at, { mode = "rw" }) end)
  raises("'mode' must", function() net.listen(at, { mode = "668" }) end)
  raises("'timeout' must", function() net.listen(at, { timeout = 0 / 0 }) end)
end

function spec.test_an_address_in_use_is_refused_and_free_again_after_close()
  local address = listener:address()
  local value, err = net.listen(address)
  assert_code("EADDRINUSE", value, err)
  lu.assertEquals({ err.op, err.address }, { "listen", address })
  assert_carries(listener) -- which leaves a connection in TIME_WAIT
  listener:close()
  listener = assert(net.listen(address))
end

function spec.test_reuseport_lets_several_share_a_port()
  local one <close> = assert(net.listen("127.0.0.1:0", { reuseport = true }))
  local two <close> = assert(net.listen(one:address(), { reuseport = true }))
  lu.assertEquals(two:address(), one:address())
end

function spec.test_accepted_connections_have_nodelay_unless_told_otherwise()
  for _, nodelay in ipairs { true, false } do
    local server <close> = assert(net.listen("127.0.0.1:0",
      { nodelay = nodelay }))
    local near <close> = assert(net.connect(server:address()))
    local far <close> = assert(server:accept())
    lu.assertEquals(far:getoption("nodelay"), nodelay)
    lu.assertTrue(near:getoption("nodelay"))
  end
end

function spec.test_a_listener_has_socket_options()
  lu.assertTrue(listener:setoption("rcvbuf", 65536))
  lu.assertTrue(listener:getoption("rcvbuf") >= 65536)
end

-- -------------------------------------------------------------- Unix sockets

function spec.test_a_unix_socket_has_the_mode_that_is_asked_for()
  for mode, text in pairs {
    ["600"] = "rw-------", [432] = "rw-rw----", ["0666"] = "rw-rw-rw-",
  } do
    local server <close> = assert(net.listen("unix:" .. path, { mode = mode }))
    lu.assertEquals(lfs.attributes(path, "permissions"), text)
    lu.assertEquals(server:address(), "unix:" .. path)
  end
end

function spec.test_the_file_of_a_unix_socket_goes_with_the_listener()
  local server = assert(net.listen("unix:" .. path))
  lu.assertEquals(lfs.attributes(path, "mode"), "socket")
  server:close()
  lu.assertNil(lfs.attributes(path, "mode"))
end

function spec.test_a_file_that_took_the_place_stays()
  local server = assert(net.listen("unix:" .. path))
  assert(os.remove(path))
  local other <close> = assert(net.listen("unix:" .. path))
  server:close()
  assert_carries(other)
end

function spec.test_the_file_of_an_inherited_socket_is_not_ours_to_remove()
  local unix = require "socket.unix"
  local old = assert(unix())
  assert(old:bind(path))
  assert(old:listen(8))
  local server = assert(net.listen { fd = old:getfd() })
  old:setfd(-1) -- it is the listener's now
  lu.assertEquals(server:address(), "unix:" .. path)
  server:close()
  lu.assertEquals(lfs.attributes(path, "mode"), "socket")
end

function spec.test_unlink_takes_over_from_the_dead_but_not_from_the_living()
  assert(os.execute("socat -u OPEN:/dev/null UNIX-LISTEN:" .. path
    .. ",unlink-close=0 & until test -S " .. path .. "; do sleep 0.01; done; "
    .. "kill $!; wait"))
  assert_code("EADDRINUSE", net.listen("unix:" .. path))
  local server <close> = assert(net.listen("unix:" .. path, { unlink = true }))
  assert_carries(server)
  assert_code("EADDRINUSE", net.listen("unix:" .. path, { unlink = true }))
end

function spec.test_a_file_that_is_no_socket_is_never_unlinked()
  assert(io.open(path, "w")):close()
  assert_code("EADDRINUSE", net.listen("unix:" .. path, { unlink = true }))
  lu.assertEquals(lfs.attributes(path, "mode"), "file")
end

-- -------------------------------------------------------------------- accept

function spec.test_accept_gives_a_stream_that_knows_both_addresses()
  local near <close> = assert(net.connect(listener:address()))
  local far <close> = assert(listener:accept())
  lu.assertEquals(far:address(), listener:address())
  lu.assertEquals(far:peer(), near:address())
end

function spec.test_accept_waits_for_a_connection()
  local task = waiting(function()
    local conn <close> = assert(listener:accept())
    return conn:peer()
  end)
  local near <close> = assert(net.connect(listener:address()))
  lu.assertEquals({ task:wait() }, { true, near:address() })
end

function spec.test_accept_has_a_timeout_and_0_tries_once()
  local start = ml.now()
  local value, err = listener:accept(0.02)
  assert_code("ETIMEDOUT", value, err)
  lu.assertEquals(err.op, "accept")
  lu.assertTrue(ml.now() - start >= 0.02)
  assert_code("ETIMEDOUT", listener:accept(0))
  local near <close> = assert(net.connect(listener:address()))
  assert(listener:accept(0)):close()
  lu.assertTrue(near:close())
end

function spec.test_a_bad_timeout_is_misuse()
  raises("bad argument #1 to 'accept'", function() listener:accept("1") end)
  raises("NaN", function() listener:accept(0 / 0) end)
end

function spec.test_tasks_accept_in_turn()
  local order, tasks, clients = {}, {}, {}
  for i = 1, 3 do
    tasks[i] = waiting(function()
      for _ = 1, 2 do
        assert(listener:accept()):close()
        table.insert(order, i)
      end
    end)
  end
  for i = 1, 6 do
    clients[i] = assert(net.connect(listener:address()))
  end
  for i = 1, 6 do
    lu.assertEquals(clients[i]:read("a"), "")
    clients[i]:close()
  end
  for _, task in ipairs(tasks) do
    lu.assertTrue(task:wait())
  end
  lu.assertEquals(order, { 1, 2, 3, 1, 2, 3 })
end

function spec.test_a_connection_for_a_killed_task_goes_to_the_next()
  local first = waiting(listener.accept, listener)
  local second = waiting(function()
    return assert(listener:accept()):close()
  end)
  local near <close> = assert(net.connect(listener:address()))
  first:kill()
  lu.assertTrue(second:wait())
  lu.assertTrue(near:close())
end

function spec.test_a_task_killed_when_its_turn_has_come_hands_it_on()
  local first = waiting(function()
    assert(listener:accept()):close()
  end)
  local second = waiting(listener.accept, listener)
  local third = waiting(function()
    assert(listener:accept()):close()
  end)
  local one <close> = assert(net.connect(listener:address()))
  lu.assertTrue(first:wait()) -- the turn is the second's now
  second:kill()
  local two <close> = assert(net.connect(listener:address()))
  lu.assertTrue(third:wait())
  lu.assertTrue(one:close() and two:close())
end

function spec.test_kill_and_cancel_in_accept_leave_nothing()
  for _, name in ipairs { "kill", "cancel" } do
    local task = waiting(listener.accept, listener)
    task[name](task)
    assert_code("ECANCELED", task:wait())
  end
  assert_carries(listener)
end

function spec.test_a_connection_that_was_reset_in_the_queue_does_no_harm()
  for _ = 1, 50 do
    local near = assert(net.connect(listener:address()))
    near:setoption("linger", 0)
    near:close()
  end
  local near <close> = assert(net.connect(listener:address()))
  local peer
  repeat
    local far <close> = assert(listener:accept(5))
    peer = far:peer()
  until peer == near:address()
end

-- --------------------------------------------------------------------- close

function spec.test_close_ends_all_who_wait_to_accept_at_once()
  local tasks = {}
  for i = 1, 3 do
    tasks[i] = waiting(listener.accept, listener)
  end
  lu.assertTrue(listener:close())
  for _, task in ipairs(tasks) do
    local _, value, err = assert(task:wait())
    assert_code("EBADF", value, err)
    lu.assertEquals(err.op, "accept")
  end
  lu.assertTrue(listener:close())
end

function spec.test_calls_on_a_closed_listener_give_ebadf()
  listener:close()
  assert_code("EBADF", listener:accept())
  assert_code("EBADF", listener:address())
  assert_code("EBADF", listener:getfd())
end

function spec.test_a_listener_is_closed_at_the_end_of_its_block_or_life()
  local address
  do
    local mine <close> = assert(net.listen("127.0.0.1:0"))
    address = mine:address()
  end
  assert_code("ECONNREFUSED", net.connect(address))
  address = assert(net.listen("127.0.0.1:0")):address()
  collectgarbage()
  assert_code("ECONNREFUSED", net.connect(address))
end

function spec.test_a_listener_can_be_waited_for_and_closed_as_an_io()
  assert_code("ETIMEDOUT", ml.wait_io_read(listener, 0.01))
  lu.assertEquals(math.type(listener:getfd()), "integer")
  local near <close> = assert(net.connect(listener:address()))
  lu.assertTrue(ml.wait_io_read(listener))
  assert(listener:accept(0)):close()
  local task = waiting(listener.accept, listener)
  lu.assertTrue(ml.close(listener))
  assert_code("EBADF", select(2, task:wait()))
  lu.assertTrue(near:close())
end

function spec.test_an_unknown_field_of_a_listener_is_misuse()
  raises("did you mean 'accept'?", function() listener.acept() end)
  raises("'accept'", function() listener.accept(1) end)
end

-- ---------------------------------------------------- descriptors run out

-- Takes all descriptors that the process may have.
local function exhaust()
  local files = {}
  repeat
    local file = io.open("/dev/null")
    table.insert(files, file)
  until not file
  return files
end

local function out_of_descriptors()
  local server = assert(net.listen("127.0.0.1:0"))
  local near = {}
  for i = 1, 3 do
    near[i] = assert(net.connect(server:address()))
  end
  local accepted = 0
  ml.spawn(function()
    while true do
      local conn = server:accept()
      if not conn then
        break
      end
      accepted = accepted + 1
      ml.spawn(function()
        conn:read("a")
        conn:close()
      end)
    end
  end)
  local files = exhaust()
  local cpu, start = os.clock(), ml.now()
  ml.sleep(1)
  assert(accepted == 0, "a descriptor was left")
  assert(os.clock() - cpu < 0.1, "it spins")
  for _ = 1, 2 do
    table.remove(files):close()
  end
  repeat
    ml.sleep(0.01)
    assert(ml.now() - start < 2, "it does not recover within a second")
  until accepted == 2
  near[1]:close() -- whose far end is closed, too, which makes room
  repeat
    ml.sleep(0.01)
    assert(ml.now() - start < 4, "it does not recover a second time")
  until accepted == 3
  server:close()
  near[2]:close()
  near[3]:close()
end

function spec.test_accept_backs_off_when_descriptors_run_out_and_recovers()
  child.passes(out_of_descriptors, { shell = "ulimit -n 40" })
end

-- However long they had run out: an hour, on the virtual clock.
function spec.test_accept_recovers_within_a_second()
  child.passes(function()
    local server = assert(net.listen("127.0.0.1:0"))
    local near <close> = assert(net.connect(server:address()))
    local task = ml.spawn(server.accept, server)
    local files = exhaust()
    ml.sleep(3600)
    files[1]:close()
    local start = ml.now()
    local _, conn = assert(task:wait())
    assert(ml.now() - start <= 1)
    assert(conn:close() and near:close() and server:close())
  end, { shell = "ulimit -n 40", virtual = true })
end

function spec.test_who_backs_off_is_woken_by_close_and_bound_by_its_timeout()
  child.passes(function()
    local server = assert(net.listen("127.0.0.1:0"))
    local near <close> = assert(net.connect(server:address()))
    local files = exhaust()
    local _, err = server:accept(0.05)
    assert(err.code == "ETIMEDOUT")
    local task = ml.spawn(server.accept, server)
    ml.sleep(0.05)
    server:close()
    local start = ml.now()
    _, _, err = assert(task:wait())
    assert(err.code == "EBADF")
    assert(ml.now() == start, "it waited on")
    assert(#files > 0 and near:close())
  end, { shell = "ulimit -n 40", virtual = true })
end

function spec.test_a_mode_is_of_permissions()
  local at = "unix:" .. path
  for _, mode in ipairs { "77777", 99999, "7777777777777777", -1 } do
    lu.assertStrContains(select(2, pcall(net.listen, at, { mode = mode })),
      "option 'mode' must be")
  end
  lu.assertStrContains(select(2, pcall(net.listen, "127.0.0.1:0",
    { backlog = 1 << 40 })), "option 'backlog' must be")
end

-- Abstract names have neither permissions nor a file.
function spec.test_an_abstract_name_is_listened_at()
  local at = "unix:@miniloop-spec-" .. path:match("[^/]*$")
  local options = { mode = "600", unlink = true }
  local server <close> = assert(net.listen(at, options))
  local _, err = net.listen(at, options)
  lu.assertEquals(err.code, "EADDRINUSE")
  local conn <close> = assert(net.connect(at))
  lu.assertTrue(server:accept(5):close())
  lu.assertNil(conn:recv())
end

function spec.test_a_file_that_was_removed_meanwhile_is_no_loss()
  local server = assert(net.listen("unix:" .. path))
  assert(os.remove(path))
  lu.assertTrue(server:close())
  local again <close> = assert(net.listen("unix:" .. path, { unlink = true }))
  lu.assertEquals(again:address(), "unix:" .. path)
end

return spec
