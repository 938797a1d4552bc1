-- Servers: C7.2.

local assert_code = require "spec.support.assert_code"
local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local raises = require "spec.support.raises"
local socket = require "socket"

local spec = {}

local server, path

-- A server on a free port, stopped after the test.
local function serve(handler, options)
  server = assert(net.serve("127.0.0.1:0", handler, options))
  return server
end

local function client()
  return assert(net.connect(server:address()))
end

function spec.before_each()
  path = os.tmpname()
  assert(os.remove(path))
end

function spec.after_each()
  if server then
    server:stop(0)
    server = nil
  end
end

local function echo(conn)
  for line in conn:lines() do
    conn:write(line, "\n")
  end
end

-- A handler that says that it is there and stays until its peer leaves.
local function stay(conn)
  conn:write("in\n")
  conn:read("a")
end

-- A connection that is being served.
local function guest(mine)
  local conn = assert(net.connect((mine or server):address()))
  assert(conn:read() == "in")
  return conn
end

local function assert_echoes(conn)
  lu.assertTrue(conn:write("word\n"))
  lu.assertEquals(conn:read(), "word")
end

-- ------------------------------------------------------------------- serving

function spec.test_each_connection_has_a_task()
  serve(echo)
  local list = {}
  for i = 1, 5 do
    list[i] = client()
  end
  for i = #list, 1, -1 do
    assert_echoes(list[i])
    list[i]:close()
  end
end

function spec.test_the_server_is_given_at_once_or_the_error()
  local task = ml.self()
  serve(function()
    lu.assertNotEquals(ml.id(), task.id)
  end)
  lu.assertStrMatches(server:address(), "127%.0%.0%.1:%d+")
  local err = assert_code("EADDRINUSE", net.serve(server:address(), echo))
  lu.assertEquals(err.op, "listen")
  assert_code("EINVAL", net.serve("nowhere", echo))
end

function spec.test_the_address_may_be_a_listener()
  local listener = assert(net.listen("unix:" .. path))
  server = assert(net.serve(listener, echo))
  lu.assertEquals(server:address(), "unix:" .. path)
  local conn <close> = client()
  assert_echoes(conn)
  local closed = assert(net.listen("127.0.0.1:0"))
  closed:close()
  assert_code("EBADF", net.serve(closed, echo))
end

function spec.test_options_of_listen_are_taken()
  server = assert(net.serve("unix:" .. path, echo, { mode = "600", limit = 9 }))
  local list <close> = assert(io.popen("stat -c %a " .. path))
  lu.assertEquals(list:read(), "600")
end

function spec.test_a_callable_value_can_be_the_handler()
  serve(setmetatable({}, { __call = function(_, conn)
    return echo(conn)
  end }))
  local conn <close> = client()
  assert_echoes(conn)
end

function spec.test_misuse_is_told_at_the_callers_line()
  local at, f = "127.0.0.1:0", echo
  raises("bad argument #1 to 'serve'", function() net.serve(80, f) end)
  raises("did you mean 'port'", function() net.serve({ prot = 1 }, f) end)
  raises("bad argument #2 to 'serve'", function() net.serve(at) end)
  raises("bad argument #2 to 'serve'", function() net.serve(at, {}) end)
  raises("bad argument #3 to 'serve'", function() net.serve(at, f, 1) end)
  raises("mean 'limit'?", function() net.serve(at, f, { limt = 1 }) end)
  raises("'limit' must", function() net.serve(at, f, { limit = 0 }) end)
  raises("'limit' must", function() net.serve(at, f, { limit = "1" }) end)
  raises("'on_error' must", function() net.serve(at, f, { on_error = 1 }) end)
  raises("'backlog' must", function() net.serve(at, f, { backlog = "" }) end)
  local own <close> = assert(net.listen(at))
  raises("option 'mode'", function() net.serve(own, f, { mode = 1 }) end)
end

function spec.test_misuse_of_a_server_is_told_at_the_callers_line()
  serve(echo)
  raises("did you mean 'stop'?", function() server.stopp() end)
  raises("a server expected, got number", function() server.stop(1) end)
  raises("a server expected, got nil", function() server.address() end)
  raises("bad argument #1 to 'stop'", function() server:stop("1") end)
  raises("got NaN", function() server:join(0 / 0) end)
end

-- ---------------------------------------------- the connection, on every path

-- The far end sees the end of the stream when the connection is closed.
local function assert_closes(handler, options)
  serve(handler, options)
  local conn <close> = client()
  conn:settimeout(5)
  conn:write("go\n")
  lu.assertNil(conn:read("l"))
end

function spec.test_the_connection_is_closed_when_the_handler_returns()
  assert_closes(function(conn)
    conn:read()
  end)
end

function spec.test_the_connection_is_closed_when_the_handler_raises()
  assert_closes(function(conn)
    conn:read()
    error("boom")
  end, { on_error = function() end })
end

function spec.test_the_connection_is_closed_when_its_task_is_killed()
  assert_closes(function(conn)
    conn:read()
    ml.spawn(ml.kill, ml.self())
    ml.sleep(60)
  end)
end

function spec.test_the_connection_is_closed_when_its_task_is_cancelled()
  assert_closes(function(conn)
    conn:read()
    ml.self():cancel()
    ml.sleep(60)
  end)
end

-- The test runs in every round before what that round has spawned.
function spec.test_the_connection_is_closed_when_its_task_never_ran()
  local served = 0
  serve(function()
    served = served + 1
  end, { limit = 1 })
  ml.yield()
  local id = ml.spawn(function() end).id + 1
  do
    local conn <close> = client()
    repeat
      ml.yield()
    until ml.kill(id)
    lu.assertEquals(conn:read("a"), "")
  end
  lu.assertEquals(served, 0)
  local conn <close> = client() -- the one that never was takes no place
  lu.assertEquals(conn:read("a"), "")
  lu.assertEquals(served, 1)
end

-- -------------------------------------------------------------------- errors

function spec.test_on_error_gets_error_connection_and_traceback()
  local got
  local value = { "an error value" }
  serve(function()
    error(value)
  end, {
    on_error = function(err, conn, traceback)
      got = { err, traceback }
      conn:write("sorry\n")
    end,
  })
  local conn <close> = client()
  lu.assertEquals(conn:read("a"), "sorry\n")
  lu.assertIs(got[1], value)
  lu.assertStrContains(got[2], "serve_spec.lua:")
end

function spec.test_an_error_ends_its_own_connection_alone()
  serve(function(conn)
    for line in conn:lines() do
      if line == "die" then
        error("boom")
      end
      conn:write(line, "\n")
    end
  end, { on_error = function() end })
  local one <close> = client()
  assert_echoes(one)
  do
    local other <close> = client()
    other:write("die\n")
    lu.assertNil(other:read())
  end
  assert_echoes(one)
end

local function conversation(handler, options)
  local mine = assert(net.serve("127.0.0.1:0", handler, options))
  local conn <close> = assert(net.connect(mine:address()))
  conn:write("go\n")
  conn:read("a")
  assert(mine:stop())
end

function spec.test_an_error_is_reported_and_leaves_the_exit_status_alone()
  local result = child.run(function()
    conversation(function(conn)
      conn:read()
      error("boom")
    end)
    print("done")
  end)
  lu.assertEquals({ result.status, result.out }, { 0, "done\n" })
  lu.assertStrContains(result.err, "boom")
  lu.assertStrContains(result.err, "serve_spec.lua:")
  lu.assertStrContains(result.err, "failed")
  lu.assertStrContains(result.err, "spawned at")
end

function spec.test_an_error_in_on_error_is_reported()
  local result = child.run(function()
    conversation(function()
      error("boom")
    end, {
      on_error = function(err)
        error("worse than " .. err)
      end,
    })
  end)
  lu.assertEquals(result.status, 0)
  lu.assertStrContains(result.err, "worse than")
end

function spec.test_an_error_value_without_text_is_reported()
  local result = child.run(function()
    conversation(function()
      error(setmetatable({}, { __tostring = function()
        error("no text")
      end }))
    end)
  end)
  lu.assertEquals(result.status, 0)
  lu.assertStrContains(result.err, "failed")
end

function spec.test_a_stack_overflow_in_a_handler_is_reported()
  local result = child.run(function()
    conversation(function()
      local function f()
        return 1 + f()
      end
      f()
    end)
  end)
  lu.assertEquals(result.status, 0)
  lu.assertStrContains(result.err, "stack overflow")
end

-- The client goes away by a reset when the handler has begun.
local function hang_up(handler)
  local begun = ml.event()
  local mine = assert(net.serve("127.0.0.1:0", function(conn)
    begun:set()
    handler(conn)
  end))
  local conn = assert(net.connect(mine:address()))
  begun:wait()
  conn:setoption("linger", 0)
  conn:close()
  assert(mine:stop())
end

function spec.test_the_peers_reset_let_go_is_no_report()
  child.passes(function()
    hang_up(function(conn)
      assert(conn:read())
    end)
    hang_up(function(conn)
      repeat
        assert(conn:write(("x"):rep(65536)))
      until false
    end)
  end)
end

function spec.test_the_reset_of_another_peer_is_reported()
  local result = child.run(function()
    local upstream = assert(net.listen("127.0.0.1:0"))
    ml.spawn(function()
      local conn = assert(upstream:accept())
      conn:setoption("linger", 0)
      conn:close()
    end)
    conversation(function(conn)
      conn:read()
      local other <close> = assert(net.connect(upstream:address()))
      assert(other:read())
    end)
    upstream:close()
  end)
  lu.assertEquals(result.status, 0)
  lu.assertStrContains(result.err, "ECONNRESET")
end

-- C7.2: only of the handler's own peer
function spec.test_a_broken_pipe_that_is_not_the_peers_is_reported()
  local result = child.run(function()
    local channel = ml.channel()
    channel:close()
    conversation(function()
      assert(channel:send(1))
    end)
    local near, far = net.pair()
    far:close()
    conversation(function(conn)
      conn:close()
      assert(near:write("x"))
    end)
  end)
  lu.assertEquals(result.status, 0)
  lu.assertStrContains(result.err, "send: broken pipe (EPIPE)")
  lu.assertStrContains(result.err, "write: broken pipe (EPIPE)")
end

-- C7.2
function spec.test_the_reset_is_no_report_when_the_handler_has_closed()
  child.passes(function()
    hang_up(function(conn)
      local _, err = conn:read()
      conn:close()
      error(err)
    end)
  end)
end

function spec.test_a_cancelled_handler_is_no_report()
  child.passes(function()
    local mine = assert(net.serve("127.0.0.1:0", stay))
    local conn <close> = guest(mine)
    local _, err = mine:stop(0)
    assert(err.code == "ETIMEDOUT")
    assert(conn:read("a") == "")
  end)
end

-- A handler that lets go somebody else's cancellation has failed.
function spec.test_a_foreign_cancellation_is_reported()
  local result = child.run(function()
    conversation(function()
      local task = ml.spawn(function()
        return select(2, pcall(ml.sleep, 60))
      end)
      ml.yield()
      task:cancel()
      error(select(2, task:wait()))
    end)
  end)
  lu.assertEquals(result.status, 0)
  lu.assertStrContains(result.err, "ECANCELED")
end

-- --------------------------------------------------------------------- limit

function spec.test_limit_stops_accepting_at_so_many()
  local running, most = 0, 0
  serve(function(conn)
    running = running + 1
    most = math.max(most, running)
    conn:write("in\n")
    conn:read()
    running = running - 1
  end, { limit = 2 })
  local list = {}
  for i = 1, 4 do
    list[i] = client()
  end
  lu.assertEquals(list[1]:read(), "in")
  lu.assertEquals(list[2]:read(), "in")
  assert_code("ETIMEDOUT", list[3]:recv(1, 0.05))
  list[1]:write("out\n")
  lu.assertEquals(list[3]:read(), "in")
  assert_code("ETIMEDOUT", list[4]:recv(1, 0.02))
  for _, conn in ipairs(list) do
    conn:close()
  end
  lu.assertTrue(server:stop())
  lu.assertEquals({ running, most }, { 0, 2 })
end

-- ---------------------------------------------------------------- stop, join

function spec.test_stop_refuses_new_connections_and_waits_for_the_others()
  serve(echo)
  local conn = client()
  assert_echoes(conn)
  local task = ml.spawn(server.stop, server)
  assert_code("ETIMEDOUT", task:wait(0.02))
  assert_code("ECONNREFUSED", net.connect(server:address()))
  assert_echoes(conn)
  conn:close()
  lu.assertEquals({ task:wait() }, { true, true })
end

function spec.test_stop_without_connections_is_done_at_once()
  serve(echo)
  lu.assertTrue(server:stop())
  lu.assertTrue(server:stop(0))
  lu.assertTrue(server:join())
  lu.assertStrMatches(server:address(), "127.*")
end

function spec.test_stop_cancels_after_the_grace_time()
  local ends = {}
  serve(function(conn)
    local _ <close> = setmetatable({}, { __close = function(_, err)
      table.insert(ends, err.code .. ": " .. err.reason)
    end })
    stay(conn)
  end)
  local one <close> = guest()
  local two <close> = guest()
  local start = ml.now()
  local err = assert_code("ETIMEDOUT", server:stop(0.05))
  lu.assertTrue(ml.now() - start > 0.049999)
  lu.assertEquals({ err.op, err.address }, { "stop", server:address() })
  local text = "ECANCELED: the server was stopped"
  lu.assertEquals(ends, { text, text })
  lu.assertEquals({ one:read("a"), two:read("a") }, { "", "" })
end

function spec.test_handlers_that_are_through_within_the_grace_time_are_not_cut()
  serve(echo)
  local conn = client()
  assert_echoes(conn)
  ml.spawn(function()
    ml.sleep(0.02)
    conn:close()
  end)
  lu.assertEquals({ server:stop(30) }, { true })
end

function spec.test_a_server_whose_limit_is_reached_can_be_stopped()
  serve(stay, { limit = 1 })
  local one <close> = guest()
  local two <close> = client()
  assert_code("ETIMEDOUT", server:stop(0))
  lu.assertEquals(one:read("a"), "")
  lu.assertTrue(two:close())
end

function spec.test_join_waits_until_the_server_has_ended()
  serve(stay)
  local conn = guest()
  assert_code("ETIMEDOUT", server:join(0.01))
  local task = ml.spawn(server.join, server)
  ml.spawn(server.stop, server)
  assert_code("ETIMEDOUT", task:wait(0.02))
  conn:close()
  lu.assertEquals({ task:wait() }, { true, true })
end

function spec.test_a_listener_that_is_closed_ends_the_server()
  local listener = assert(net.listen("127.0.0.1:0"))
  server = assert(net.serve(listener, echo))
  ml.yield()
  listener:close()
  lu.assertTrue(server:join())
end

function spec.test_a_listener_that_fails_ends_the_server_with_its_error()
  serve(echo)
  local thief = assert(socket.udp())
  local fd = thief:getfd()
  thief:setfd(server.listener:getfd())
  thief:close() -- behind the back of the server
  local file <close> = assert(io.open("/dev/null")) -- takes the number
  thief:setfd(fd)
  thief:close()
  assert_code("ENOTSOCK", server:join())
  lu.assertEquals(io.type(file), "file")
end

function spec.test_a_connection_cannot_wait_for_its_own_server()
  local codes = {}
  serve(function()
    codes[1] = select(2, server:join()).code
    codes[2] = select(2, server:stop()).code
  end)
  local conn <close> = client()
  lu.assertEquals(conn:read("a"), "")
  lu.assertEquals(codes, { "EDEADLK", "EDEADLK" })
  lu.assertTrue(server:join()) -- it was stopped nevertheless
end

-- C5.4, C7.2: the server's own group
function spec.test_what_a_handler_spawns_ends_with_the_server()
  local spawned
  serve(function(conn)
    spawned = ml.spawn(ml.sleep, 3600)
    stay(conn)
  end)
  guest():close()
  assert_code("ETIMEDOUT", server:join(0.05)) -- waits for the spawned
  assert_code("ETIMEDOUT", server:stop(0))
  lu.assertEquals(spawned:status(), "cancelled")
end

function spec.test_what_a_handler_has_spawned_can_stop_the_server_but_not_wait()
  local stopper
  serve(function()
    stopper = ml.spawn(server.stop, server)
  end)
  client():read("a")
  assert_code("EDEADLK", select(2, stopper:wait()))
  lu.assertTrue(server:join())
end

-- C2.1
function spec.test_a_field_of_a_server_cannot_be_set()
  local idle <close> = assert(net.serve("127.0.0.1:0", print))
  raises("field 'limti' of a server", function() idle.limti = 1 end)
end

function spec.test_a_server_without_connections_is_stopped_without_grace()
  serve(echo)
  lu.assertEquals({ server:stop(0) }, { true })
  server = assert(net.serve("127.0.0.1:0", echo))
  ml.sleep(0.01) -- it waits for connections
  lu.assertEquals({ server:stop(0) }, { true })
end

function spec.test_a_server_stops_at_the_end_of_its_block()
  local address, conn
  do
    local mine <close> = assert(net.serve("127.0.0.1:0", stay))
    address = mine:address()
    conn = guest(mine)
  end
  lu.assertEquals(conn:read("a"), "")
  conn:close()
  assert_code("ECONNREFUSED", net.connect(address))
end

-- C5.6, C7.2
function spec.test_a_cancellation_at_the_end_of_the_servers_block_goes_on()
  local begun, through = ml.event(), false
  local task = ml.spawn(function()
    do
      local mine <close> = assert(net.serve("127.0.0.1:0", function(conn)
        pcall(stay, conn) -- will not leave when the block ends
        begun:set()
        ml.sleep(30)
      end))
      guest(mine)
    end
    through = true
  end)
  begun:wait()
  task:cancel("enough")
  assert_code("ECANCELED", task:wait())
  lu.assertEquals({ task:status(), through }, { "cancelled", false })
end

function spec.test_a_server_ends_with_the_task_that_is_killed_in_its_block()
  local ready, conn = ml.event(), nil
  local task = ml.spawn(function()
    local mine <close> = assert(net.serve("127.0.0.1:0", stay))
    conn = guest(mine)
    ready:set()
    ml.sleep(60)
  end)
  ready:wait()
  task:kill()
  lu.assertEquals(conn:read("a"), "")
  conn:close()
end

-- ------------------------------------------------------- nothing outlives it

-- The server's own task is the one that serve spawns.
local function server_with_task(handler)
  local before = ml.spawn(function() end)
  serve(handler)
  return before.id + 1
end

function spec.test_killing_the_servers_task_kills_the_connections()
  local cut = 0
  local id = server_with_task(function(conn)
    local _ <close> = setmetatable({}, { __close = function()
      cut = cut + 1
    end })
    stay(conn)
  end)
  local one <close> = guest()
  local two <close> = guest()
  lu.assertTrue(ml.kill(id))
  lu.assertEquals(cut, 2)
  lu.assertEquals({ one:read("a"), two:read("a") }, { "", "" })
  assert_code("ECANCELED", server:join())
  assert_code("ECONNREFUSED", net.connect(server:address()))
end

-- C5.4, C7.2
function spec.test_what_a_handler_spawns_is_killed_with_the_servers_task()
  local spawned
  local id = server_with_task(function(conn)
    spawned = ml.spawn(ml.sleep, 3600)
    stay(conn)
  end)
  local conn <close> = guest()
  lu.assertTrue(ml.kill(id))
  lu.assertEquals(spawned:status(), "cancelled")
  lu.assertEquals(conn:read("a"), "")
end

function spec.test_cancelling_the_servers_task_cancels_the_connections()
  local reasons = {}
  local id = server_with_task(function(conn)
    local _, err = pcall(stay, conn)
    table.insert(reasons, err.reason)
    ml.sleep(0.02) -- clean-up may block, and is waited for
    table.insert(reasons, "clean")
    error(err)
  end)
  local one <close> = guest()
  local two <close> = guest()
  lu.assertTrue(ml.cancel(id, "enough"))
  lu.assertEquals(assert_code("ECANCELED", server:join()).reason, "enough")
  lu.assertEquals(reasons, { "enough", "enough", "clean", "clean" })
  lu.assertEquals({ one:read("a"), two:read("a") }, { "", "" })
end

-- -------------------------------------------------------------- other clients

function spec.test_netcat_is_served()
  serve(echo)
  local host, port = server:address():match("(.*):(.*)")
  local file <close> = assert(io.popen(("printf 'one\\ntwo\\n' | nc -N %s %s")
    :format(host, port)))
  local nc <close> = assert(net.stream(file))
  lu.assertEquals(nc:read("a"), "one\ntwo\n")
end

function spec.test_socat_is_served_on_a_unix_socket()
  server = assert(net.serve({ path = path }, echo))
  local file <close> = assert(io.popen(
    "printf 'word\\n' | socat -t 5 - UNIX-CONNECT:" .. path))
  lu.assertTrue(ml.wait_io_read(file, 5))
  lu.assertEquals(file:read(), "word")
end

function spec.test_curl_is_served()
  serve(function(conn)
    repeat
      local line = conn:read()
    until line == "\r" or not line
    conn:write("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")
  end)
  local file <close> = assert(io.popen("curl -s --max-time 10 http://"
    .. server:address()))
  local curl <close> = assert(net.stream(file))
  lu.assertEquals(curl:read("a"), "hello")
end

function spec.test_what_takes_the_errors_may_be_any_callable()
  local told
  local own <close> = assert(net.serve("127.0.0.1:0", function()
    error("x", 0)
  end, { on_error = setmetatable({}, { __call = function(_, err)
    told = err
  end }) }))
  local conn <close> = assert(net.connect(own:address()))
  lu.assertNil((conn:recv()))
  lu.assertEquals(told, "x")
  local bad = { on_error = setmetatable({}, {}) }
  raises("option 'on_error' must be",
    function() net.serve("127.0.0.1:0", print, bad) end)
end

return spec
