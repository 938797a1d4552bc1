-- Objects of LuaSocket among tasks: they are waited for as any io, and nothing
-- of them blocks the loop. C3.1, C2.6.

local assert_code = require "spec.support.assert_code"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local socket = require "socket"

local spec = {}

local server

function spec.before_each()
  server = assert(socket.bind("127.0.0.1", 0))
  server:settimeout(0)
end

function spec.after_each()
  ml.forget(server)
  server:close()
end

local function accept()
  assert(ml.wait_io_read(server))
  local conn = assert(server:accept())
  conn:settimeout(0)
  return conn
end

-- What LuaSocket's own examples do with select, in a task.
local function receive(conn, pattern)
  local data, err, part
  repeat
    data, err, part = conn:receive(pattern, part)
    if err == "timeout" then
      assert(ml.wait_io_read(conn))
    end
  until err ~= "timeout"
  return data or part
end

local function send(conn, data)
  local last = 0
  repeat
    local sent, err, part = conn:send(data, last + 1)
    last = sent or part
    if not sent then
      assert(err == "timeout", err)
      assert(ml.wait_io_write(conn))
    end
  until sent
end

local function connect()
  local conn = assert(socket.tcp())
  conn:settimeout(0)
  conn:connect(server:getsockname())
  assert(ml.wait_io_write(conn))
  return conn
end

local function close(conn)
  ml.forget(conn)
  conn:close()
end

function spec.test_accept_receive_and_send_among_tasks()
  local far = ml.spawn(function()
    local conn = accept()
    local line = receive(conn, "*l")
    send(conn, line:upper() .. "\n")
    close(conn)
  end)
  local near = connect()
  send(near, "word\n")
  lu.assertEquals(receive(near, "*l"), "WORD")
  lu.assertTrue(far:wait())
  close(near)
end

function spec.test_a_reader_and_a_writer_of_one_socket_go_on_side_by_side()
  local data = ("x"):rep(1 << 20)
  local near = connect()
  local far = accept()
  local writer = ml.spawn(send, near, data)
  local echo = ml.spawn(function()
    send(far, receive(far, #data))
  end)
  lu.assertEquals(#receive(near, #data), #data)
  lu.assertTrue(writer:wait() and echo:wait())
  close(near)
  close(far)
end

function spec.test_a_wait_has_a_timeout()
  local near = connect()
  assert_code("ETIMEDOUT", ml.wait_io_read(near, 0.01))
  close(near)
end

function spec.test_a_socket_that_is_closed_through_miniloop_wakes_who_waits()
  local near = connect()
  local task = ml.spawn(ml.wait_io_read, near)
  ml.yield()
  ml.close(near)
  assert_code("EBADF", select(2, task:wait()))
  lu.assertEquals(select(2, near:send("x")), "closed")
end

function spec.test_it_speaks_with_streams_of_miniloop()
  local near <close> = assert(net.connect(("%s:%d"):format(
    server:getsockname())))
  local far = accept()
  lu.assertTrue(near:write("word\n"))
  lu.assertEquals(receive(far, "*l"), "word")
  send(far, "answer\n")
  lu.assertEquals(near:read(), "answer")
  close(far)
end

return spec
