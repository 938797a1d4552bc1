-- Closing descriptors: C2.6.

local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local pipe = require "spec.support.pipe"
local socket = require "socket"
local sockets = require "spec.support.sockets"

local spec = {}

local function is_ebadf(ok, err)
  lu.assertNil(ok)
  lu.assertEquals(err.code, "EBADF")
end

-- The answers of a task as those of its function.
local function answers(task)
  local result = table.pack(task:wait())
  lu.assertTrue(result[1])
  return table.unpack(result, 2, result.n)
end

function spec.test_closing_ends_every_wait_on_it_at_once()
  local near, far = sockets.pair()
  local tasks = {}
  for i, wait in ipairs {
    function() return ml.wait_io_read(near) end,
    function() return ml.wait_io_read(near:getfd()) end,
    function() return ml.wait_io_read(near, 1000) end,
    function() return coroutine.yield(syscall.wait_io_read(near)) end,
    function() return coroutine.wrap(ml.wait_io_read)(near) end,
  } do
    tasks[i] = ml.spawn(wait)
  end
  ml.yield()
  lu.assertEvalToTrue(ml.close(near))
  for _, task in ipairs(tasks) do
    lu.assertEquals(task:status(), "ready")
  end
  for _, task in ipairs(tasks) do
    is_ebadf(answers(task))
  end
  far:close()
end

-- C2.6: the object does not reach whoever takes its number
function spec.test_closing_the_number_of_an_object_closes_the_object()
  local near, far = net.pair()
  local task = ml.spawn(near.read, near)
  ml.yield()
  local fd = near:getfd()
  lu.assertTrue(ml.close(fd))
  is_ebadf(answers(task))
  local heir, other = net.pair()
  lu.assertEquals(heir:getfd(), fd)
  other:write("not for you")
  is_ebadf(near:recv())
  near:close()
  lu.assertEquals(heir:read(11), "not for you")
  lu.assertNil(far:read())
  heir:close()
  other:close()
  far:close()
end

function spec.test_closing_ends_waits_for_writing_too()
  local near, far = sockets.pair()
  while near:send(("x"):rep(65536)) do
    ml.yield()
  end
  local task = ml.spawn(ml.wait_io_write, near)
  ml.yield()
  lu.assertEquals(task:status(), "waiting")
  lu.assertEvalToTrue(ml.close(near))
  is_ebadf(answers(task))
  far:close()
end

function spec.test_closing_before_the_poller_heard_of_the_wait()
  local p <close> = pipe()
  local task = ml.spawn(function()
    return ml.wait_io_read(p.reader)
  end)
  ml.spawn(ml.close, p.reader)
  is_ebadf(answers(task))
end

function spec.test_close_takes_whatever_has_a_descriptor()
  local p <close> = pipe()
  lu.assertTrue(ml.close(p.reader))
  lu.assertEquals(io.type(p.reader), "closed file")
  local near, far = sockets.pair()
  lu.assertTrue(ml.close(near:getfd()))
  near:setfd(-1) -- it is gone
  near:close()
  ml.close(far)
  lu.assertEquals(far:getfd(), -1)
end

function spec.test_close_of_what_has_no_close_is_wrong_use()
  local object = {
    fileno = function()
      return 0
    end,
  }
  local ok, message = pcall(function()
    ml.close(object)
  end)
  lu.assertFalse(ok)
  lu.assertStrContains(message, "bad argument #1 to 'close' (it has no method "
    .. "close)")
end

function spec.test_close_of_a_process_answers_as_its_close_does()
  local file = assert(io.popen("exit 3"))
  lu.assertEquals({ ml.close(file) }, { nil, "exit", 3 })
end

function spec.test_close_of_what_is_closed_is_ebadf()
  local file = assert(io.open("/dev/null"))
  lu.assertTrue(ml.close(file))
  is_ebadf(ml.close(file))
  is_ebadf(ml.close(-1))
  is_ebadf(ml.close(1000000))
  lu.assertEquals(select(2, ml.close(-1)).op, "close")
end

-- ---------------------------------------------------------------- the next one

-- In one turn: a descriptor becomes ready, is closed, and its number is taken
-- by another one, on which a task waits.
local function reuse(listener)
  local old, old_far = sockets.pair(listener)
  local number = old:getfd()
  local first = ml.spawn(ml.wait_io_read, old)
  ml.yield()
  old_far:send("late")
  lu.assertTrue(ml.close(number))
  local new, far = sockets.pair(listener)
  lu.assertEquals(new:getfd(), number)
  local second = ml.spawn(ml.wait_io_read, new)
  is_ebadf(answers(first))
  ml.yield()
  ml.yield()
  lu.assertEquals(second:status(), "waiting")
  far:send("x")
  lu.assertTrue(answers(second))
  lu.assertEquals(select(3, new:receive(2)), "x") -- and no more
  old:setfd(-1)
  for _, s in ipairs { new, far, old_far } do
    s:close()
  end
end

function spec.test_a_number_that_is_used_again_is_woken_by_its_own_data_only()
  local listener = assert(socket.bind("127.0.0.1", 0))
  for _ = 1, 1000 do
    reuse(listener)
  end
  listener:close()
end

function spec.test_the_same_among_many_that_are_ready()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local list = sockets.pairs(40)
  local tasks = {}
  for i, pair in ipairs(list) do
    tasks[i] = ml.spawn(function()
      repeat
        -- (LuaSocket may have read more than the byte that it gave.)
        local ok = pair.near:dirty() or ml.wait_io_read(pair.near)
        local byte = ok and pair.near:receive(1)
      until byte == "!"
    end)
  end
  ml.yield()
  for _ = 1, 50 do
    for _, pair in ipairs(list) do
      pair.far:send("x")
    end
    reuse(listener)
  end
  for i, pair in ipairs(list) do
    pair.far:send("!")
    lu.assertTrue(tasks[i]:wait())
    pair.near:close()
    pair.far:close()
  end
  listener:close()
end

-- ------------------------------------------------------------- by other means

function spec.test_forget_ends_the_waits_and_closes_nothing()
  local near, far = sockets.pair()
  local task = ml.spawn(ml.wait_io_read, near)
  ml.yield()
  lu.assertTrue(ml.forget(near))
  is_ebadf(answers(task))
  far:send("x")
  lu.assertTrue(ml.wait_io_read(near))
  lu.assertEquals(near:receive(1), "x")
  near:close()
  far:close()
end

function spec.test_forget_before_a_close_by_other_means_is_clean()
  for _ = 1, 100 do
    local near, far = sockets.pair()
    local task = ml.spawn(ml.wait_io_read, near:getfd())
    ml.yield()
    ml.forget(near)
    near:close()
    is_ebadf(answers(task))
    local next_near, next_far = sockets.pair()
    next_far:send("y")
    lu.assertTrue(ml.wait_io_read(next_near, 10))
    for _, s in ipairs { far, next_near, next_far } do
      s:close()
    end
  end
end

function spec.test_forget_of_what_nobody_waits_for_is_harmless()
  local near, far = sockets.pair()
  lu.assertTrue(ml.forget(near))
  lu.assertTrue(ml.forget(near:getfd()))
  lu.assertTrue(ml.forget(1000000))
  lu.assertTrue(ml.forget(-1))
  near:close()
  lu.assertTrue(ml.forget(near))
  far:close()
end

function spec.test_a_raw_descriptor_is_registered_only_while_it_is_waited_for()
  -- So one that is closed by other means between waits does no harm.
  for _ = 1, 100 do
    local near, far = sockets.pair()
    far:send("x")
    local task = ml.spawn(ml.wait_io_read, near)
    lu.assertTrue(answers(task))
    lu.assertTrue(ml.wait_io_read(near, 10))
    near:close()
    far:close()
    local p <close> = pipe()
    lu.assertEquals(select(2, ml.wait_io_read(p.reader, 0.0001)).code,
      "ETIMEDOUT")
  end
end

function spec.test_a_number_closed_and_used_again_between_waits_is_watched()
  local listener = assert(socket.bind("127.0.0.1", 0))
  for _ = 1, 50 do
    local near, far = sockets.pair(listener)
    local new, new_far
    local task = ml.spawn(function()
      lu.assertTrue(ml.wait_io_read(near))
      -- In the turn in which it was resumed; nobody waits for it now.
      local number = near:getfd()
      near:close()
      new, new_far = sockets.pair(listener)
      lu.assertEquals(new:getfd(), number)
      return ml.wait_io_read(new, 10)
    end)
    ml.sleep(0)
    far:send("x")
    repeat
      ml.sleep(0)
    until new_far or task:status() == "failed"
    ml.sleep(0)
    new_far:send("y")
    lu.assertTrue(answers(task))
    lu.assertEquals(new:receive(1), "y")
    for _, s in ipairs { far, new, new_far } do
      s:close()
    end
  end
  listener:close()
end

return spec
