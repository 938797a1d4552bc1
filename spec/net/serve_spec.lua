-- Servers: C7.2.

local assert_code = require "spec.support.assert_code"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local raises = require "spec.support.raises"
local servers = require "spec.support.servers"

local assert_echoes = servers.assert_echoes
local client = servers.client
local echo = servers.echo
local serve = servers.serve

local spec = {}

local path

function spec.before_each()
  path = os.tmpname()
  assert(os.remove(path))
end

spec.after_each = servers.stop

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
  local server = serve(function()
    lu.assertNotEquals(ml.id(), task.id)
  end)
  lu.assertStrMatches(server:address(), "127%.0%.0%.1:%d+")
  local err = assert_code("EADDRINUSE", net.serve(server:address(), echo))
  lu.assertEquals(err.op, "listen")
  assert_code("EINVAL", net.serve("nowhere", echo))
end

function spec.test_the_address_may_be_a_listener()
  local listener = assert(net.listen("unix:" .. path))
  local server = serve(echo, nil, listener)
  lu.assertEquals(server:address(), "unix:" .. path)
  local conn <close> = client()
  assert_echoes(conn)
  local closed = assert(net.listen("127.0.0.1:0"))
  closed:close()
  assert_code("EBADF", net.serve(closed, echo))
end

function spec.test_options_of_listen_are_taken()
  serve(echo, { mode = "600", limit = 9 }, "unix:" .. path)
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
  local server = serve(echo)
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
    for _ = 1, 100000 do
      ml.yield()
      if ml.kill(id) then
        break
      end
    end
    lu.assertEquals(conn:read("a"), "")
  end
  lu.assertEquals(served, 0)
  local conn <close> = client() -- the one that never was takes no place
  lu.assertEquals(conn:read("a"), "")
  lu.assertEquals(served, 1)
end

-- --------------------------------------------------------------------- limit

function spec.test_limit_stops_accepting_at_so_many()
  local running, most = 0, 0
  local server = serve(function(conn)
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

-- -------------------------------------------------------------- other clients

function spec.test_netcat_is_served()
  local server = serve(echo)
  local host, port = server:address():match("(.*):(.*)")
  local file <close> = assert(io.popen(("printf 'one\\ntwo\\n' | nc -N %s %s")
    :format(host, port)))
  local nc <close> = assert(net.stream(file))
  lu.assertEquals(nc:read("a"), "one\ntwo\n")
end

function spec.test_socat_is_served_on_a_unix_socket()
  serve(echo, nil, { path = path })
  local file <close> = assert(io.popen(
    "printf 'word\\n' | socat -t 5 - UNIX-CONNECT:" .. path))
  local socat <close> = assert(net.stream(file))
  lu.assertEquals(socat:read(), "word")
end

function spec.test_curl_is_served()
  local server = serve(function(conn)
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
