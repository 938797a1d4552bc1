-- What a stream knows of its socket between two reads: nothing is missed, and
-- nothing asked twice. C3.1, C4.2, C4.3; the pollers differ in how they tell.

local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local sockets = require "spec.support.sockets"

local spec = {}

-- Two ends of a TCP connection.
local near, far

function spec.before_each()
  local listener <close> = assert(net.listen("127.0.0.1:0"))
  near = assert(net.connect(listener:address()))
  far = assert(listener:accept())
end

function spec.after_each()
  near:close()
  far:close()
end

-- Reads what there is and waits for more, so that the stream knows that there
-- is none and the poller is to tell.
local function drain(stream, peer)
  local task = ml.spawn(stream.recv, stream)
  ml.yield()
  lu.assertEquals(task:status(), "waiting")
  peer:write("d")
  lu.assertEquals(task:join(), "d")
end

-- C2.3
function spec.test_a_timeout_of_0_tries_once_also_a_drained_stream()
  drain(near, far)
  lu.assertNil((near:recv(nil, 0)))
  far:write("x")
  lu.assertEquals(near:recv(nil, 0), "x")
  near:settimeout(0)
  far:write("\n")
  lu.assertEquals(near:read(), "")
  lu.assertNil((near:read()))
end

function spec.test_what_comes_between_two_reads_wakes_the_second()
  drain(near, far)
  for i = 1, 20 do
    far:write(i % 10)
    if i % 2 == 0 then
      ml.yield() -- the poller tells before somebody waits
      ml.sleep(0)
    end
    lu.assertEquals(near:recv(), tostring(i % 10))
  end
end

function spec.test_a_part_that_is_left_is_read_later()
  drain(near, far)
  far:write("abcdef")
  lu.assertEquals(near:recv(2), "ab")
  ml.sleep(0.001)
  lu.assertEquals(near:recv(2), "cd")
  lu.assertEquals(near:recv(100), "ef")
end

function spec.test_an_end_that_comes_with_the_last_bytes_is_read()
  drain(near, far)
  far:write("x")
  far:close()
  lu.assertEquals(near:recv(), "x")
  lu.assertEquals(table.pack(near:recv()), { n = 1 })
end

function spec.test_an_end_that_comes_after_the_last_bytes_is_read()
  drain(near, far)
  local task = ml.spawn(near.recv, near)
  ml.yield()
  far:close()
  lu.assertEquals(table.pack(task:join()), { n = 1 })
end

function spec.test_a_full_socket_is_written_to_when_there_is_room()
  local plenty = ("0123456789abcdef"):rep(1 << 18)
  for _ = 1, 3 do
    local task = ml.spawn(near.write, near, plenty, plenty)
    local back = ml.spawn(far.write, far, "back")
    lu.assertEquals(near:read(4), "back")
    lu.assertTrue(back:join())
    local got = far:read(2 * #plenty)
    lu.assertTrue(got == plenty .. plenty)
    lu.assertTrue(task:join())
  end
end

-- C3.1: waiting twice without reading in between is ready twice
function spec.test_a_stream_whose_number_is_known_is_told_of_again()
  for _, tell in ipairs { near.getfd, ml.wait_io_write } do
    drain(near, far)
    tell(near)
    far:write("x")
    for _ = 1, 3 do
      lu.assertTrue(ml.wait_io_read(near, 1))
    end
    lu.assertEquals(near:recv(), "x")
    drain(near, far)
  end
end

-- C3.1
function spec.test_a_raw_number_is_told_of_again_while_its_stream_was_read()
  drain(near, far)
  local fd = tonumber(tostring(near):match("%d+"))
  local task = ml.spawn(ml.wait_io_read, fd)
  ml.yield()
  far:write("x")
  lu.assertTrue(task:join())
  lu.assertTrue(ml.wait_io_read(fd, 1))
  lu.assertEquals(near:recv(), "x")
end

-- C4.3: `auto` moves while bytes arrive
function spec.test_no_byte_is_missed_when_auto_moves_to_another_poller()
  child.passes(function()
    local listener = assert(net.listen("127.0.0.1:0"))
    local a = assert(net.connect(listener:address()))
    local b = assert(listener:accept())
    local task = ml.spawn(a.recv, a)
    ml.yield()
    b:write("1")
    lu.assertEquals(task:join(), "1")
    task = ml.spawn(a.recv, a)
    ml.yield()
    local waiters = {}
    for i, pair in ipairs(sockets.pairs(40)) do
      waiters[i] = ml.spawn(ml.wait_io_read, pair.near)
    end
    b:write("2")
    ml.yield()
    lu.assertEquals(task:join(), "2")
    b:write("3")
    lu.assertEquals(a:recv(), "3")
    for _, waiter in ipairs(waiters) do
      waiter:kill()
    end
    b:write("4")
    lu.assertEquals(a:recv(), "4")
  end, { poller = "auto" })
end

-- The peer is reset: its socket is closed with a byte unread and no lingering.
local function reset(listener)
  local socket = require "socket"
  local host, port = listener:address():match("^(.*):(%d+)$")
  local peer = assert(socket.connect(host, tonumber(port)))
  local conn = assert(listener:accept())
  assert(peer:setoption("linger", { on = true, timeout = 0 }))
  peer:close()
  return conn
end

-- C2.2: whatever reads, the error of the connection is its own.
function spec.test_each_way_of_reading_tells_of_a_reset()
  local listener <close> = assert(net.listen("127.0.0.1:0"))
  local buffer = net.buffer()
  local sink, other = net.pair()
  for op, read in pairs {
    recv = function(conn) return conn:recv() end,
    read = function(conn) return conn:read(5) end,
    recvinto = function(conn) return conn:recvinto(buffer) end,
    copy = function(conn) return conn:copy(sink) end,
  } do
    local conn <close> = reset(listener)
    local value, err = read(conn)
    lu.assertNil(value)
    lu.assertEquals({ op, err and err.code }, { op, "ECONNRESET" })
  end
  sink:close()
  other:close()
end

return spec
