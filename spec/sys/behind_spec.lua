-- Descriptors that are closed behind our back, without ml.forget: C2.6. What
-- becomes of the wait is the system's affair; all other tasks must go on.

local core = require "miniloop.core"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local socket = require "socket"
local sockets = require "spec.support.sockets"

local spec = {}

-- Two tasks tell each other that they live.
local function assert_alive()
  local channel = ml.channel()
  local task = ml.spawn(channel.recv, channel, 5)
  ml.sleep(0.001)
  channel:send "alive"
  lu.assertEquals({ task:wait(5) }, { true, "alive" })
end

-- select() and poll() tell of it, and the wait ends; epoll() forgets it.
function spec.test_a_wait_for_it_ends_or_sleeps()
  local near, far = sockets.pair()
  local task = ml.spawn(ml.wait_io_read, near)
  ml.sleep(0.001)
  near:close()
  assert_alive()
  if task:status() ~= "waiting" then
    local _, value, err = task:wait()
    lu.assertEquals({ value, err.code }, { nil, "EBADF" })
  end
  task:kill()
  far:close()
end

-- A child has a copy of the socket: epoll tells of what comes for it, under a
-- number that nobody waits for, and cannot be asked to stop.
function spec.test_a_copy_in_a_child_does_not_keep_the_loop_busy()
  local near, far = sockets.pair()
  local task = ml.spawn(ml.wait_io_read, near)
  ml.sleep(0.001)
  local holder <close> = assert(io.popen("read -r line", "w"))
  near:close()
  task:kill()
  far:send "unheard"
  for _ = 1, 5 do
    ml.sleep(0.001)
  end
  local used = os.clock()
  ml.sleep(0.05)
  lu.assertTrue(os.clock() - used < 0.04)
  assert_alive()
  holder:write "\n"
  far:close()
end

-- The same while another task waits under the number that was used again.
function spec.test_the_next_of_that_number_hears_its_own()
  local near, far = sockets.pair()
  local number = near:getfd()
  local task = ml.spawn(ml.wait_io_read, near)
  ml.sleep(0.001)
  local holder <close> = assert(io.popen("read -r line", "w"))
  near:close()
  task:kill()
  local a, b = sockets.pair()
  local heard = ml.spawn(ml.wait_io_read, a:getfd() == number and a or b)
  ml.sleep(0.001)
  far:send "unheard"
  ml.sleep(0.001)
  a:send "x"
  b:send "x"
  lu.assertEquals({ heard:wait(5) }, { true, true })
  holder:write "\n"
  for _, one in ipairs { a, b, far } do
    one:close()
  end
end

-- Closed before the poller was told of the last one who waits for it, it ends
-- all of the waits, under every poller.
function spec.test_a_number_that_is_closed_is_no_more_watched()
  local near, far = sockets.pair()
  local before = ml.spawn(ml.wait_io_read, near)
  ml.sleep(0.001)
  local last = ml.spawn(ml.wait_io_read, near)
  ml.yield() -- now it waits, too
  near:close()
  for _, task in ipairs { before, last } do
    local _, ok, err = task:wait(5)
    lu.assertEquals({ ok, err and err.code }, { nil, "EBADF" })
  end
  lu.assertTrue(core.check())
  far:close()
end

-- A stream that takes the number over, while another still waits for what had
-- it before, hears its own.
function spec.test_a_stream_of_that_number_hears_its_own()
  local near, far = sockets.pair()
  local number = near:getfd()
  local old = ml.spawn(ml.wait_io_read, near)
  ml.sleep(0.001)
  near:close()
  local a, b = net.pair()
  lu.assertTrue(a:getfd() == number or b:getfd() == number)
  local heard = a:getfd() == number and a or b
  local reader = ml.spawn(heard.recv, heard)
  ml.sleep(0.001)
  assert((heard == a and b or a):write("x"))
  lu.assertEquals({ reader:wait(5) }, { true, "x" })
  old:kill()
  for _, one in ipairs { a, b, far } do
    one:close()
  end
end

-- A raw number that was a stream's before is one like any, for ever after.
function spec.test_the_number_of_a_stream_that_was_closed_is_a_raw_one()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local stream, peer = net.pair()
  local number = stream:getfd()
  ml.spawn(stream.recv, stream)
  ml.sleep(0.001)
  stream:close()
  for _ = 1, 3 do
    local near, far = sockets.pair(listener)
    lu.assertEquals(near:getfd(), number)
    local task = ml.spawn(ml.wait_io_read, near)
    ml.sleep(0.001)
    far:send "x"
    lu.assertEquals({ task:wait(5) }, { true, true })
    near:close() -- behind our back
    far:close()
  end
  peer:close()
  listener:close()
end

return spec
