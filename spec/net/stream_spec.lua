-- Streams as objects: closing, half-closing, timeouts, addresses, options, and
-- descriptors of other makers. C7.1, C7.4, C2.1, C2.6.

local assert_code = require "spec.support.assert_code"
local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local pipe = require "spec.support.pipe"
local raises = require "spec.support.raises"
local sockets = require "spec.support.sockets"
local waiting = require "spec.support.waiting"

local spec = {}

local near, far

function spec.before_each()
  near, far = net.pair()
end

function spec.after_each()
  near:close()
  far:close()
end

local function close_all(list)
  for _, object in pairs(list) do
    object:close()
  end
end

-- Two connected TCP streams, and the sockets of LuaSocket under them; to be
-- closed.
local function tcp()
  local a, b = sockets.pair()
  return setmetatable({
    near = net.stream(a), far = net.stream(b), a = a, b = b,
  }, { __close = close_all })
end

-- ----------------------------------------------------------------- closing

-- C2.6: two objects never close the same number
function spec.test_a_stream_of_another_streams_number_has_a_copy()
  local mine, other = net.pair()
  local copy = assert(net.stream(mine:getfd()))
  lu.assertNotEquals(copy:getfd(), mine:getfd())
  copy:close()
  lu.assertTrue(mine:write("word"))
  lu.assertEquals(other:read(4), "word")
  mine:close()
  other:close()
end

function spec.test_close_answers_true_and_may_be_repeated()
  lu.assertTrue(near:close())
  lu.assertTrue(near:close())
end

function spec.test_calls_on_a_closed_stream_give_ebadf()
  near:close()
  for name, args in pairs {
    recv = {}, read = { "a" }, write = { "x" }, writesome = { "x" },
    shutdown = { "both" }, peer = {}, address = {}, getfd = {},
    setoption = { "keepalive", true }, getoption = { "keepalive" },
  } do
    local value, err = near[name](near, table.unpack(args))
    lu.assertNil(value, name)
    lu.assertEquals({ name, err.code }, { name, "EBADF" })
    lu.assertEquals(err.op, name)
  end
end

function spec.test_a_stream_is_a_to_be_closed_value()
  do
    local mine <close> = near
    lu.assertTrue(mine:write("x"))
  end
  lu.assertEquals(tostring(near), "stream (closed)")
  local listener = assert(net.listen("127.0.0.1:0"))
  lu.assertEquals(tostring(listener),
    ("listener (fd %d)"):format(listener:getfd()))
  listener:close()
  lu.assertEquals(tostring(listener), "listener (closed)")
  lu.assertEquals(far:read("a"), "x")
end

function spec.test_a_stream_that_is_lost_closes_at_collection()
  local task = waiting(far.read, far, "a")
  near:write("x")
  near = nil
  collectgarbage()
  near = far
  lu.assertEquals({ task:wait() }, { true, "x" })
end

function spec.test_a_stream_that_a_task_waits_for_is_not_collected()
  local task = waiting(function()
    return net.pair():recv(1, 0.001)
  end)
  collectgarbage()
  local _, value, err = task:wait()
  -- The other end is garbage: its closing is the end of this one.
  lu.assertTrue(value == nil and err == nil or err.code == "ETIMEDOUT")
end

-- Reads until a finalizer, which the making of strings has set going, closes
-- the stream in the middle of it.
local function read_until_collected(read)
  local stream, other = net.pair()
  local writer = ml.spawn(function()
    local line = ("x"):rep(1 << 16) .. "\n"
    repeat
      local ok = other:write(line)
    until not ok
    other:close()
  end)
  local line, err
  repeat
    setmetatable({}, { __gc = function()
      stream:close()
    end })
    line, err = read(stream)
  until not line
  lu.assertTrue(writer:wait())
  assert_code("EBADF", line, err)
end

function spec.test_a_finalizer_may_close_the_stream_that_is_read()
  for _ = 1, 5 do
    read_until_collected(function(stream)
      return stream:read("l", "l", "l", "l", "l", "l", "l", "l")
    end)
    read_until_collected(function(stream)
      stream:read(1) -- after which there is more than that
      return stream:recv()
    end)
  end
end

-- ------------------------------------------------------------ half-closing

function spec.test_shutdown_of_writing_is_the_end_for_the_peer_alone()
  near:write("question")
  lu.assertTrue(near:shutdown("write"))
  lu.assertEquals(far:read("a"), "question")
  lu.assertTrue(far:write("answer"))
  lu.assertEquals(near:read(6), "answer")
  lu.assertEquals(select(2, near:write("x")).code, "EPIPE")
end

function spec.test_shutdown_of_reading_ends_a_read()
  local task = waiting(near.read, near, "a")
  lu.assertTrue(near:shutdown("read"))
  lu.assertEquals({ task:wait() }, { true, "" })
  lu.assertTrue(near:write("x"))
end

-- C4.3: select() does not tell a writer that its Unix socket was shut down.
function spec.test_shutdown_ends_a_write_that_waits()
  for _, how in ipairs { "write", "both" } do
    local one <close>, other = net.pair()
    local _ <close> = other
    local task = waiting(one.write, one, ("x"):rep(1 << 23))
    lu.assertTrue(one:shutdown(how))
    local _, ok, err = task:wait()
    lu.assertNil(ok)
    lu.assertEquals(err.code, "EPIPE")
  end
end

function spec.test_shutdown_of_both_is_what_it_does_unless_told()
  lu.assertTrue(near:shutdown())
  lu.assertEquals(far:read("a"), "")
  lu.assertNil(near:recv())
  raises("invalid option", function() near:shutdown("all") end)
end

function spec.test_a_pipe_cannot_be_shut_down()
  local ends <close> = pipe()
  local stream <close> = net.stream(ends.writer)
  assert_code("ENOTSOCK", stream:shutdown("write"))
end

-- ---------------------------------------------------------------- timeouts

function spec.test_settimeout_bounds_each_wait_and_not_the_whole()
  child.in_virtual_time(function()
    local a, b = net.pair()
    local feeder = ml.spawn(function()
      for _ = 1, 10 do
        ml.sleep(2)
        b:write("x")
      end
      ml.sleep(4)
      b:write("\n")
    end)
    a:settimeout(3)
    local start = ml.now()
    local line, err = a:read("l")
    assert(line == nil and err.code == "ETIMEDOUT", err)
    assert(math.abs(ml.now() - start - 23) < 0.001)
    assert(feeder:wait())
    assert(a:read("l") == "xxxxxxxxxx")
  end)
end

function spec.test_reading_and_writing_have_timeouts_of_their_own()
  near:settimeout(0, "read")
  local writer = waiting(near.write, near, ("x"):rep(4 << 20))
  assert_code("ETIMEDOUT", near:recv())
  lu.assertEquals(writer:status(), "waiting")
  writer:kill()
  near:settimeout(math.huge)
  near:settimeout(0, "write")
  assert_code("ETIMEDOUT", near:write(("x"):rep(4 << 20)))
  local reader = waiting(near.recv, near)
  far:write("x")
  lu.assertEquals({ reader:wait() }, { true, "x" })
end

function spec.test_a_timeout_can_be_taken_back()
  near:settimeout(0)
  assert_code("ETIMEDOUT", near:recv())
  near:settimeout(nil)
  local task = waiting(near.recv, near)
  far:write("x")
  lu.assertEquals({ task:wait() }, { true, "x" })
end

function spec.test_a_timeout_that_is_no_time_is_misuse()
  raises("number expected", function() near:settimeout("1") end)
  raises("NaN", function() near:settimeout(0 / 0) end)
  raises("invalid option", function() near:settimeout(1, "connect") end)
end

-- ------------------------------------------------------------------ errors

-- Ends the connection by a reset from the far end.
local function reset(link)
  link.far:setoption("linger", 0)
  link.b:close()
  link.far:close()
end

function spec.test_what_came_before_a_reset_is_given_before_the_error()
  local link <close> = tcp()
  link.far:write("one\ntwo")
  lu.assertEquals(link.near:read("l"), "one")
  reset(link)
  assert_code("ECONNRESET", link.near:read("l"))
  lu.assertEquals(link.near:recv(), "two")
  assert_code("ECONNRESET", link.near:recv())
  assert_code("ECONNRESET", link.near:read("a"))
end

function spec.test_errors_name_the_operation_and_the_peer()
  local link <close> = tcp()
  local peer = assert(link.near:peer())
  reset(link)
  local _, err = link.near:recv()
  lu.assertEquals({ err.code, err.op, err.address },
    { "ECONNRESET", "recv", peer })
  lu.assertStrContains(tostring(err), "recv " .. peer .. ": ")
  _, err = near:recv(1, 0)
  lu.assertNil(err.address)
end

function spec.test_an_unknown_field_is_misuse_and_names_its_neighbour()
  raises("did you mean 'read'?", function() near:reed() end)
  raises("a stream has no field 'x'", function() return near.x end)
end

function spec.test_methods_take_nothing_but_streams()
  raises("miniloop.stream expected", function() near.recv({}) end)
  raises("miniloop.stream expected", function() near.read(io.stdout) end)
  raises("miniloop.stream expected", function() near.write() end)
  lu.assertFalse(pcall(near.address, {}))
end

function spec.test_calls_that_may_wait_are_for_tasks_alone()
  local ok, message = pcall(table.sort, { 1, 2 }, function()
    near:recv()
  end)
  lu.assertFalse(ok)
  lu.assertStrContains(message, "'recv'")
end

-- --------------------------------------------------- names, numbers, options

function spec.test_a_stream_as_text_tells_its_descriptor()
  local text = ("stream (fd %d)"):format(near:getfd())
  lu.assertEquals(tostring(near), text)
end

function spec.test_addresses_are_texts()
  local link <close> = tcp()
  local host, port = link.a:getsockname()
  lu.assertEquals(link.near:address(), host .. ":" .. port)
  lu.assertEquals(link.far:peer(), link.near:address())
  lu.assertEquals(link.near:peer(), link.far:address())
  lu.assertEquals(near:peer(), "unix:")
end

function spec.test_options_are_set_and_read_back()
  local link <close> = tcp()
  lu.assertTrue(link.near:setoption("keepalive", true))
  lu.assertIs(link.near:getoption("keepalive"), true)
  lu.assertTrue(link.near:setoption("keepalive", false))
  lu.assertIs(link.near:getoption("keepalive"), false)
  lu.assertTrue(link.near:setoption("linger", 3))
  lu.assertEquals(link.near:getoption("linger"), 3)
  lu.assertTrue(link.near:setoption("linger", -1))
end

function spec.test_unknown_options_and_wrong_values_are_misuse()
  raises("'nodelay'?", function() near:setoption("nodelya", true) end)
  raises("unknown option", function() near:getoption("colour") end)
  raises("boolean expected", function() near:setoption("keepalive", 1) end)
  raises("number expected", function() near:setoption("rcvbuf", "1") end)
  raises("out of range", function() near:setoption("rcvbuf", -1) end)
  raises("out of range", function() near:setoption("rcvbuf", 1 << 40) end)
end

function spec.test_an_option_that_the_socket_lacks_is_refused()
  local ok, err = near:setoption("nodelay", true)
  lu.assertNil(ok)
  lu.assertEquals(err.op, "setoption")
  lu.assertEquals(err.reason, "nodelay")
end

-- ------------------------------------------- descriptors of other makers

-- The flags of a descriptor, where the system shows them.
local function flags(fd)
  local file = io.open(("/proc/self/fdinfo/%d"):format(fd))
  if not file then
    lu.skip("no /proc/self/fdinfo")
  end
  local text = file:read("a")
  file:close()
  return tonumber(text:match("flags:%s*(%d+)"), 8)
end

local o_nonblock = 2048

function spec.test_a_lua_file_keeps_its_descriptor()
  local ends <close> = pipe()
  do
    local stream <close> = net.stream(ends.reader)
    ends.writer:write("through the stream\n")
    lu.assertEquals(stream:read("l"), "through the stream")
  end
  ends.writer:write("through the file\n")
  lu.assertEquals(ends.reader:read("l"), "through the file")
end

function spec.test_a_socket_of_another_library_keeps_its_descriptor()
  local link <close> = tcp()
  link.near:close()
  link.far:close()
  lu.assertEquals(link.a:send("still open"), 10)
  lu.assertTrue(ml.wait_io_read(link.b))
  lu.assertEquals(link.b:receive(10), "still open")
end

function spec.test_a_number_is_taken_over()
  local a, b = sockets.pair()
  local stream = assert(net.stream(a:getfd()))
  a:setfd(-1)
  lu.assertTrue(stream:write("x"))
  stream:close()
  lu.assertTrue(ml.wait_io_read(b))
  lu.assertEquals(b:receive("*a"), "x")
  b:close()
end

function spec.test_a_pipe_blocks_again_when_the_stream_is_closed()
  local ends <close> = pipe()
  local stream <close> = net.stream(ends.reader)
  local copy <close> = net.stream(stream)
  lu.assertEquals(flags(copy:getfd()) & o_nonblock, o_nonblock)
  stream:close()
  lu.assertEquals(flags(copy:getfd()) & o_nonblock, 0)
  assert_code("ETIMEDOUT", copy:recv(1, 0)) -- which does not block
end

function spec.test_a_regular_file_is_always_ready()
  local path = os.tmpname()
  local file = assert(io.open(path, "w+"))
  do
    local stream <close> = net.stream(file)
    lu.assertTrue(stream:write("one\n", "two\n"))
    file:seek("set")
    lu.assertEquals({ stream:read("l", "a") }, { "one", "two\n" })
    lu.assertNil(stream:recv())
    lu.assertTrue(ml.wait_io_read(stream))
    assert_code("ENOTSOCK", stream:peer())
  end
  file:close()
  os.remove(path)
end

-- Its flags are those of standard output, too.
function spec.test_a_terminal_stays_as_it_is_and_does_not_block()
  local file = io.open("/dev/ptmx", "r+")
  if not file then
    lu.skip("no terminal can be made")
  end
  local stream <close> = net.stream(file)
  lu.assertEquals(flags(stream:getfd()) & o_nonblock, 0)
  assert_code("ETIMEDOUT", stream:recv(1, 0))
  local task = waiting(stream.read, stream, "l")
  lu.assertTrue(stream:write("echo\n"))
  lu.assertEquals({ task:wait() }, { true, "echo\r" })
  file:close()
end

function spec.test_what_is_no_stream_is_refused()
  local listener = assert(require("socket").bind("127.0.0.1", 0))
  local value, err = net.stream(listener)
  assert_code("EINVAL", value, err)
  lu.assertEquals(err.op, "stream")
  listener:close()
  assert_code("EBADF", net.stream(-1))
  near:close()
  assert_code("EBADF", net.stream(near))
  raises("a descriptor", function() net.stream("0") end)
end

function spec.test_the_name_of_an_option_is_a_string()
  local a, b = net.pair()
  raises("bad argument #1 to 'setoption'", function() a:setoption(5, 1) end)
  raises("bad argument #1 to 'setoption'", function() a:setoption({}, 1) end)
  a:close()
  b:close()
end

return spec
