-- Two readers, or two writers, of one stream are served in turn. C7.4, C3.6.

local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
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

local plenty = ("x"):rep(4 << 20)

-- A task that waits to read a line.
local function reader()
  return waiting(near.read, near, "l")
end

local function result(task)
  return select(2, assert(task:wait()))
end

function spec.test_readers_are_served_in_the_order_in_which_they_came()
  local tasks = { reader(), reader(), reader() }
  far:write("one\ntwo\nthree\n")
  lu.assertEquals(result(tasks[3]), "three")
  lu.assertEquals(result(tasks[2]), "two")
  lu.assertEquals(result(tasks[1]), "one")
end

function spec.test_nobody_gets_in_between_the_waiting()
  local first, second = reader(), reader()
  far:write("one\ntwo\nthree\n")
  lu.assertEquals(near:read("l"), "three")
  lu.assertEquals(result(first), "one")
  lu.assertEquals(result(second), "two")
end

function spec.test_recv_and_lines_take_turns_with_read()
  local task = reader()
  local receiver = waiting(near.recv, near)
  local lines = waiting(near:lines())
  far:write("one\n")
  lu.assertEquals(result(task), "one")
  far:write("2")
  lu.assertEquals(result(receiver), "2")
  far:write("three\n")
  lu.assertEquals(result(lines), "three")
end

function spec.test_what_two_tasks_write_does_not_mix()
  local tasks = {}
  for i, letter in ipairs { "a", "b", "c" } do
    tasks[i] = waiting(near.write, near, plenty, letter)
  end
  for _, letter in ipairs { "a", "b", "c" } do
    lu.assertTrue(far:read(#plenty) == plenty)
    lu.assertEquals(far:read(1), letter)
  end
  for _, task in ipairs(tasks) do
    lu.assertEquals({ task:wait() }, { true, true })
  end
end

function spec.test_a_reader_does_not_hold_up_a_writer()
  local task = reader()
  lu.assertTrue(near:write("out"))
  lu.assertEquals(far:read(3), "out")
  task:kill()
end

-- ---------------------------------------------------- the turn is handed on

function spec.test_a_killed_reader_hands_its_turn_on()
  local first, second = reader(), reader()
  lu.assertTrue(first:kill())
  far:write("one\n")
  lu.assertEquals(result(second), "one")
end

function spec.test_a_killed_receiver_hands_its_turn_on()
  local first, second = waiting(near.recv, near), reader()
  lu.assertTrue(first:kill())
  far:write("one\n")
  lu.assertEquals(result(second), "one")
end

function spec.test_a_cancelled_reader_hands_its_turn_on()
  local first, second = reader(), reader()
  lu.assertTrue(first:cancel())
  lu.assertEquals(select(2, first:wait()).code, "ECANCELED")
  far:write("one\n")
  lu.assertEquals(result(second), "one")
end

function spec.test_one_that_is_killed_while_it_queues_is_skipped()
  local first, second, third = reader(), reader(), reader()
  lu.assertTrue(second:kill())
  far:write("one\ntwo\n")
  lu.assertEquals(result(first), "one")
  lu.assertEquals(result(third), "two")
end

function spec.test_one_killed_when_it_was_just_given_the_turn_hands_it_on()
  local first, second, third = reader(), reader(), reader()
  lu.assertTrue(first:kill())
  lu.assertEquals(second:status(), "ready")
  lu.assertTrue(second:kill())
  far:write("one\n")
  lu.assertEquals(result(third), "one")
end

function spec.test_a_reader_whose_time_is_up_hands_its_turn_on()
  local first = waiting(near.recv, near, 1, 0.05)
  local second = reader()
  local value, err = result(first)
  lu.assertNil(value)
  lu.assertEquals(err.code, "ETIMEDOUT")
  far:write("one\n")
  lu.assertEquals(result(second), "one")
end

function spec.test_a_timeout_of_a_call_counts_while_it_queues()
  local first = reader()
  local value, err = near:recv(1, 0.001)
  lu.assertNil(value)
  lu.assertEquals(err.code, "ETIMEDOUT")
  value, err = near:recv(1, 0)
  lu.assertNil(value)
  lu.assertEquals(err.code, "ETIMEDOUT")
  far:write("one\n")
  lu.assertEquals(result(first), "one")
end

function spec.test_a_killed_writer_hands_its_turn_on()
  local first = waiting(near.write, near, plenty)
  local second = waiting(near.write, near, "|tail")
  local head = far:recv()
  lu.assertTrue(first:kill())
  local rest = ml.spawn(far.read, far, "a")
  lu.assertEquals({ second:wait() }, { true, true })
  near:shutdown("write")
  lu.assertEquals((head .. rest:join()):match("^x+(.*)$"), "|tail")
end

function spec.test_a_line_too_long_hands_the_turn_on()
  near:setmaxline(3)
  local first = reader()
  local second = waiting(near.recv, near)
  far:write("1234")
  lu.assertEquals(select(2, result(first)).code, "EMSGSIZE")
  lu.assertEquals(result(second), "1234")
end

-- ----------------------------------------------------------------- closing

function spec.test_closing_ends_all_calls_on_the_stream_with_ebadf()
  local tasks = {
    reader(), reader(), waiting(near.recv, near),
    waiting(near.write, near, plenty), waiting(near.write, near, "x"),
  }
  near:close()
  for _, task in ipairs(tasks) do
    local value, err = result(task)
    lu.assertNil(value)
    lu.assertEquals(err.code, "EBADF")
  end
end

function spec.test_a_write_that_is_closed_tells_how_much_is_out()
  local first = waiting(near.write, near, plenty)
  local second = waiting(near.write, near, "never begun")
  near:close()
  local out = #far:read("a")
  lu.assertEquals(select(2, result(first)).written, out)
  lu.assertEquals(select(2, result(second)).written, 0)
end

function spec.test_lines_on_a_stream_that_is_closed_raises()
  local err
  local task = waiting(function()
    local _
    _, err = pcall(near:lines())
  end)
  near:close()
  lu.assertTrue(task:wait())
  lu.assertEquals(err.code, "EBADF")
end

-- Not the end of the lines: the loop would take what came for all there is.
function spec.test_lines_on_a_stream_that_is_forgotten_raises()
  local task = waiting(pcall, near:lines())
  ml.forget(near)
  local _, ok, err = task:wait()
  lu.assertFalse(ok)
  lu.assertEquals(err.code, "EBADF")
end

function spec.test_the_number_of_a_closed_stream_inherits_no_waiters()
  local task = reader()
  local fd = near:getfd()
  near:close()
  near = net.pair() -- the other end is closed, at collection
  lu.assertEquals(near:getfd(), fd)
  lu.assertEquals(select(2, result(task)).code, "EBADF")
  collectgarbage()
  lu.assertNil(near:read("l"))
end

return spec
