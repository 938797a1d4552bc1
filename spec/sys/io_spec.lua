-- Waiting for descriptors: C3.wait_io_read, C3.wait_io_write and C3.1.

local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"
local pipe = require "spec.support.pipe"
local sockets = require "spec.support.sockets"

local spec = {}

local function timed_out(ok, err)
  lu.assertNil(ok)
  lu.assertEquals(err.code, "ETIMEDOUT")
end

-- Fills the way from `socket` to its peer; the number of bytes it took.
local function fill(socket)
  local chunk = ("x"):rep(65536)
  local total = 0
  while true do
    local sent, _, part = socket:send(chunk)
    total = total + (sent or part)
    if not sent then
      return total
    end
  end
end

-- ------------------------------------------------------------------- reading

-- C3.wait_io_read
function spec.test_a_reader_is_resumed_when_bytes_come()
  local p <close> = pipe()
  local task = ml.spawn(ml.wait_io_read, p.reader)
  ml.yield()
  ml.sleep(0.002)
  lu.assertEquals(task:status(), "waiting")
  p.writer:write("x")
  lu.assertEquals({ task:wait() }, { true, true })
  lu.assertEquals(p.reader:read(1), "x")
end

function spec.test_bytes_that_are_there_are_no_wait()
  local p <close> = pipe()
  p.writer:write("xy")
  local ran = false
  ml.new(function()
    ran = true
  end)
  lu.assertTrue(coroutine.yield(syscall.wait_io_read(p.reader)))
  lu.assertFalse(ran)
end

function spec.test_the_end_of_a_stream_is_ready()
  local p <close> = pipe()
  local task = ml.spawn(ml.wait_io_read, p.reader)
  ml.yield()
  p.writer:close()
  lu.assertEquals({ task:wait() }, { true, true })
  lu.assertNil(p.reader:read(1))
  lu.assertTrue(ml.wait_io_read(p.reader))
end

function spec.test_a_connection_to_accept_is_ready()
  local socket = require "socket"
  local listener = assert(socket.bind("127.0.0.1", 0))
  local task = ml.spawn(ml.wait_io_read, listener)
  ml.yield()
  lu.assertEquals(task:status(), "waiting")
  local address, port = listener:getsockname()
  local client = assert(socket.connect(address, port))
  lu.assertEquals({ task:wait() }, { true, true })
  local server = assert(listener:accept())
  for _, s in ipairs { client, server, listener } do
    s:close()
  end
end

function spec.test_an_error_to_collect_is_ready()
  local socket = require "socket"
  local near, far = sockets.pair()
  far:setoption("linger", { on = true, timeout = 0 })
  local task = ml.spawn(ml.wait_io_read, near)
  ml.yield()
  far:close() -- with a reset
  lu.assertEquals({ task:wait() }, { true, true })
  lu.assertNil((near:receive(1)))
  near:close()
  local closed = assert(socket.bind("127.0.0.1", 0))
  local address, port = closed:getsockname()
  closed:close()
  local client = socket.tcp()
  client:settimeout(0)
  client:connect(address, port)
  lu.assertTrue(ml.wait_io_write(client)) -- the refusal
  client:close()
end

function spec.test_a_wait_for_reading_times_out()
  local p <close> = pipe()
  local start = ml.now()
  timed_out(ml.wait_io_read(p.reader, 0.003))
  lu.assertTrue(ml.now() - start >= 0.003)
  timed_out(coroutine.yield(syscall.wait_io_read(p.reader, 0.001)))
  timed_out(ml.wait_io_read(p.reader, 0))
  timed_out(ml.wait_io_read(p.reader, -1))
  p.writer:write("x")
  lu.assertTrue(ml.wait_io_read(p.reader, 0))
end

function spec.test_a_timeout_leaves_nothing_behind()
  local p <close> = pipe()
  for _ = 1, 100 do
    timed_out(ml.wait_io_read(p.reader, 0.0001))
  end
  local task = ml.spawn(ml.wait_io_read, p.reader)
  ml.yield()
  p.writer:write("x")
  lu.assertEquals({ task:wait() }, { true, true })
end

function spec.test_a_closed_descriptor_is_ebadf()
  local file = assert(io.open("/dev/null"))
  file:close()
  for _, closed in ipairs { -1, 1000000, math.maxinteger, file } do
    for _, call in ipairs { ml.wait_io_read, ml.wait_io_write } do
      local ok, err = call(closed)
      lu.assertNil(ok)
      lu.assertEquals(err.code, "EBADF")
    end
  end
end

-- ------------------------------------------------------------------- writing

-- C3.wait_io_write
function spec.test_writing_that_would_not_block_is_no_wait()
  local p <close> = pipe()
  lu.assertTrue(ml.wait_io_write(p.writer))
  lu.assertTrue(coroutine.yield(syscall.wait_io_write(p.writer, 0)))
end

function spec.test_a_writer_is_resumed_when_there_is_room()
  local near, far = sockets.pair()
  local total = fill(near)
  timed_out(ml.wait_io_write(near, 0))
  timed_out(ml.wait_io_write(near, 0.002))
  local task = ml.spawn(ml.wait_io_write, near)
  ml.yield()
  lu.assertEquals(task:status(), "waiting")
  while total > 0 do
    local data, _, part = far:receive(total)
    total = total - #(data or part)
    ml.yield()
  end
  lu.assertEquals({ task:wait() }, { true, true })
  near:close()
  far:close()
end

function spec.test_a_writer_whose_reader_is_gone_is_ready()
  local near, far = sockets.pair()
  fill(near)
  local task = ml.spawn(ml.wait_io_write, near)
  ml.yield()
  far:close()
  lu.assertEquals({ task:wait() }, { true, true })
  near:close()
end

function spec.test_reading_and_writing_are_waited_for_apart()
  local near, far = sockets.pair()
  fill(near)
  local writer = ml.spawn(ml.wait_io_write, near)
  local reader = ml.spawn(ml.wait_io_read, near)
  ml.yield()
  far:send("x")
  lu.assertEquals({ reader:wait() }, { true, true })
  lu.assertEquals(writer:status(), "waiting")
  writer:kill()
  near:close()
  far:close()
end

-- --------------------------------------------------------- what an io may be

-- C3.1
function spec.test_an_io_is_a_number_a_file_or_has_a_method()
  local near, far = sockets.pair()
  far:send("x")
  local fd = near:getfd()
  local function method()
    return fd
  end
  local by_index = setmetatable({}, { __index = { getfd = method } })
  for _, io in ipairs {
    fd, fd + 0.0, near, { getfd = method }, { fileno = method },
    { pollfd = method }, by_index,
  } do
    lu.assertTrue(ml.wait_io_read(io))
    lu.assertTrue(ml.wait_io_write(io))
    lu.assertTrue(coroutine.yield(syscall.wait_io_read(io)))
  end
  near:close()
  far:close()
end

function spec.test_a_method_is_asked_when_the_call_begins()
  local near, far = sockets.pair()
  local fd = -1
  local request = syscall.wait_io_read {
    getfd = function()
      return fd
    end,
  }
  lu.assertEquals(select(2, coroutine.yield(request)).code, "EBADF")
  far:send("x")
  fd = near:getfd()
  lu.assertTrue(coroutine.yield(request))
  near:close()
  far:close()
end

function spec.test_a_method_that_gives_nil_means_closed()
  local object = { getfd = function() end }
  lu.assertEquals(select(2, ml.wait_io_read(object)).code, "EBADF")
end

function spec.test_a_method_that_gives_nonsense_or_raises_is_an_error()
  local ok, message = pcall(ml.wait_io_read, {
    fileno = function()
      return "three"
    end,
  })
  lu.assertFalse(ok)
  lu.assertStrContains(message, "the method 'fileno' gave no descriptor")
  ok, message = pcall(ml.wait_io_read, {
    fileno = function()
      error("mine", 0)
    end,
  })
  lu.assertFalse(ok)
  lu.assertEquals(message, "mine")
end

function spec.test_a_method_may_make_calls_that_do_not_block()
  local near, far = sockets.pair()
  far:send("x")
  local id, text
  lu.assertTrue(ml.wait_io_read {
    getfd = function()
      id = ml.id()
      text = select(2, pcall(ml.sleep, 0))
      return near:getfd()
    end,
  })
  lu.assertEquals(id, ml.id())
  lu.assertStrContains(text, "cannot call 'sleep' here")
  near:close()
  far:close()
end

function spec.test_a_method_that_makes_calls_does_not_disturb_the_wait()
  local near, far = sockets.pair()
  local task = ml.spawn(ml.wait_io_read, {
    getfd = function()
      ml.new(type, 1)
      return near:getfd()
    end,
  })
  ml.yield()
  lu.assertEquals(task:status(), "waiting")
  far:send("x")
  lu.assertEquals({ task:wait() }, { true, true })
  near:close()
  far:close()
end

function spec.test_an_object_that_nobody_else_holds_is_kept_by_who_waits()
  local near, far = sockets.pair()
  local task = ml.spawn(function(io)
    return ml.wait_io_read(io)
  end, near)
  near = nil
  ml.yield()
  collectgarbage()
  collectgarbage()
  far:send("x")
  lu.assertEquals({ task:wait() }, { true, true })
  far:close()
  lu.assertNil(near)
end

function spec.test_a_regular_file_is_always_ready()
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "w+"))
  os.remove(path)
  for _ = 1, 3 do
    lu.assertTrue(ml.wait_io_read(file))
    lu.assertTrue(ml.wait_io_write(file))
    lu.assertTrue(ml.wait_io_read(file, 0))
  end
end

function spec.test_a_process_to_read_from_is_waited_for()
  local file <close> = assert(io.popen("sleep 0.02; echo hello"))
  timed_out(ml.wait_io_read(file, 0))
  lu.assertTrue(ml.wait_io_read(file))
  lu.assertEquals(file:read(), "hello")
  lu.assertTrue(ml.wait_io_read(file))
  lu.assertNil(file:read())
end

function spec.test_a_process_to_write_to_is_waited_for()
  local file <close> = assert(io.popen("cat >/dev/null", "w"))
  lu.assertTrue(ml.wait_io_write(file))
end

function spec.test_standard_input_of_the_command_can_be_waited_for()
  child.passes(function()
    lu.assertTrue(ml.wait_io_read(io.stdin)) -- /dev/null
    lu.assertTrue(ml.wait_io_read(0))
  end)
end

-- --------------------------------------------------------------- many waiters

function spec.test_all_who_wait_on_one_are_resumed_in_order()
  local near, far = sockets.pair()
  local order = {}
  local tasks = {}
  local function reader(i, io)
    lu.assertTrue(ml.wait_io_read(io))
    table.insert(order, i)
    near:receive(1) -- the first has it
  end
  for i = 1, 10 do -- by number and by object: it is one descriptor
    tasks[i] = ml.spawn(reader, i, i % 2 == 0 and near or near:getfd())
  end
  ml.yield()
  far:send("x")
  for _, task in ipairs(tasks) do
    lu.assertTrue(task:wait())
  end
  for i = 1, 10 do
    lu.assertEquals(order[i], i)
  end
  near:close()
  far:close()
end

function spec.test_waiting_twice_without_reading_is_ready_twice()
  local p <close> = pipe()
  local task = ml.spawn(function()
    for _ = 1, 5 do
      lu.assertTrue(ml.wait_io_read(p.reader))
    end
    return p.reader:read(1)
  end)
  ml.yield()
  p.writer:write("x")
  lu.assertEquals({ task:wait() }, { true, "x" })
  timed_out(ml.wait_io_read(p.reader, 0))
end

function spec.test_a_line_of_messages_is_read_without_losing_one()
  local near, far = sockets.pair()
  local got = {}
  local reader = ml.spawn(function()
    while #got < 200 do
      if not near:dirty() then -- LuaSocket has read ahead
        lu.assertTrue(ml.wait_io_read(near, 10))
      end
      got[#got + 1] = near:receive(1)
    end
  end)
  for i = 1, 200 do
    far:send(string.char(i % 256))
    if i % 7 == 0 then
      ml.yield()
    elseif i % 11 == 0 then
      ml.sleep(0)
    end
  end
  lu.assertTrue(reader:wait())
  lu.assertEquals(#got, 200)
  near:close()
  far:close()
end

function spec.test_many_descriptors_are_each_woken_by_their_own()
  local list = sockets.pairs(60)
  local tasks = {}
  for i, pair in ipairs(list) do
    tasks[i] = ml.spawn(function()
      lu.assertTrue(ml.wait_io_read(pair.near))
      return pair.near:receive(3)
    end)
  end
  ml.yield()
  for i = 60, 1, -1 do
    list[i].far:send(("%03d"):format(i))
    if i % 5 == 0 then
      ml.sleep(0)
    end
  end
  for i, task in ipairs(tasks) do
    lu.assertEquals({ task:wait() }, { true, ("%03d"):format(i) })
    list[i].near:close()
    list[i].far:close()
  end
end

-- C3.1: who waits for a raw descriptor is told what is so, of a socket that can
-- be written to as well; the simulated poller tells of what is not.
function spec.test_a_spurious_event_wakes_nobody()
  child.passes(function()
    local net = require "miniloop.net"
    local syscall = require "miniloop.syscall"
    local function wait_in_vain()
      local quiet <close>, far = net.pair()
      local loud <close>, speaker = net.pair()
      local _ <close> = far
      local _ <close> = speaker
      local waiter = ml.spawn(ml.perform,
        syscall.wait_io_read(quiet:getfd(), 1))
      for _ = 1, 20 do
        speaker:write("x")
        ml.perform(syscall.wait_io_read(loud:getfd()))
        loud:recv()
      end
      local _, ok, err = waiter:wait()
      assert(not ok and err.code == "ETIMEDOUT")
    end
    for seed = 1, 20 do
      ml.run(wait_in_vain, { poller = "sim", seed = seed, clock = "virtual" })
    end
  end, { stock = true })
end

return spec
