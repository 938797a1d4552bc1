-- How servers end: C7.2.

local assert_code = require "spec.support.assert_code"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local raises = require "spec.support.raises"
local servers = require "spec.support.servers"
local socket = require "socket"

local assert_echoes = servers.assert_echoes
local client = servers.client
local echo = servers.echo
local guest = servers.guest
local serve = servers.serve
local stay = servers.stay

local spec = {}

spec.after_each = servers.stop

function spec.test_stop_refuses_new_connections_and_waits_for_the_others()
  local server = serve(echo)
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
  local server = serve(echo)
  lu.assertTrue(server:stop())
  lu.assertTrue(server:stop(0))
  lu.assertTrue(server:join())
  lu.assertStrMatches(server:address(), "127.*")
end

function spec.test_stop_cancels_after_the_grace_time()
  local ends = {}
  local server = serve(function(conn)
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
  local server = serve(echo)
  local conn = client()
  assert_echoes(conn)
  ml.spawn(function()
    ml.sleep(0.02)
    conn:close()
  end)
  lu.assertEquals({ server:stop(30) }, { true })
end

function spec.test_a_server_whose_limit_is_reached_can_be_stopped()
  local server = serve(stay, { limit = 1 })
  local one <close> = guest()
  local two <close> = client()
  assert_code("ETIMEDOUT", server:stop(0))
  lu.assertEquals(one:read("a"), "")
  lu.assertTrue(two:close())
end

function spec.test_join_waits_until_the_server_has_ended()
  local server = serve(stay)
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
  local server <close> = assert(net.serve(listener, echo))
  ml.yield()
  listener:close()
  lu.assertTrue(server:join())
end

function spec.test_a_listener_that_fails_ends_the_server_with_its_error()
  local server = serve(echo)
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
  local server
  server = serve(function()
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
  local server = serve(function(conn)
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
  local server
  server = serve(function()
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
  local server = serve(echo)
  lu.assertEquals({ server:stop(0) }, { true })
  server = serve(echo)
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

-- A server, and the id of its own task: the one that serve spawns.
local function server_with_task(handler)
  local before = ml.spawn(function() end)
  return serve(handler), before.id + 1
end

function spec.test_killing_the_servers_task_kills_the_connections()
  local cut = 0
  local server, id = server_with_task(function(conn)
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
  local _, id = server_with_task(function(conn)
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
  local server, id = server_with_task(function(conn)
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

return spec
