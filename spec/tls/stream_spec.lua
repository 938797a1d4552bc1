-- A stream that carries TLS is a stream as any other. C7.4, C2.6, C3.1.

local assert_code = require "spec.support.assert_code"
local fill = require "spec.support.fill"
local lu = require "luaunit"
local ml = require "miniloop"
local tls_pair = require "spec.support.tls_pair"
local waiting = require "spec.support.waiting"

local spec = {}

local near, far

function spec.before_each()
  local pair = tls_pair.open()
  near, far = pair.near, pair.far
end

function spec.after_each()
  near:close()
  far:close()
end

local function assert_end(conn)
  lu.assertEquals({ n = select("#", conn:recv()), conn:recv() }, { n = 1 })
end

-- ------------------------------------------------------------------- formats

function spec.test_all_formats_read_what_was_written()
  lu.assertTrue(far:write("line\n", 12, "345", "\nrest"))
  lu.assertEquals({ near:read("l", 2, "L") }, { "line", "12", "345\n" })
  far:shutdown("write")
  lu.assertEquals(near:read("a"), "rest")
  assert_end(near)
end

function spec.test_recv_gives_what_there_is_up_to_a_limit()
  far:write("abcdef")
  lu.assertEquals(near:recv(2), "ab")
  lu.assertEquals(near:recv(100), "cdef")
end

function spec.test_lines_end_with_the_stream()
  far:write("a\nb\nc")
  far:shutdown("write")
  local lines = {}
  for line in near:lines() do
    lines[#lines + 1] = line
  end
  lu.assertEquals(lines, { "a", "b", "c" })
end

function spec.test_an_empty_write_sends_nothing()
  lu.assertTrue(far:write(""))
  lu.assertTrue(far:write("", "x", ""))
  lu.assertEquals(near:recv(), "x")
end

function spec.test_records_of_one_byte_make_one_stream()
  local task = ml.spawn(function()
    for i = 1, 300 do
      far:write(string.char(i % 256))
    end
    far:shutdown("write")
  end)
  local bytes = assert(near:read("a"))
  lu.assertEquals(#bytes, 300)
  for i = 1, 300 do
    lu.assertEquals(bytes:byte(i), i % 256)
  end
  task:wait()
end

-- ------------------------------------------------------------- large amounts

-- Bytes that no mistake leaves the same.
local function pattern(n, seed)
  local words, x = {}, seed or 1
  for i = 1, n // 8 do
    x = x * 6364136223846793005 + 1442695040888963407
    words[i] = ("<i8"):pack(x)
  end
  return table.concat(words)
end

-- Reads to the end, in pieces of changing size and with pauses.
local function read_slowly(conn)
  local pieces, sizes = {}, { 1, 100, 16384, 70000, 16385, 5 }
  repeat
    local bytes = conn:recv(sizes[#pieces % #sizes + 1])
    pieces[#pieces + 1] = bytes
    if #pieces % 7 == 0 then
      ml.yield()
    end
  until not bytes
  return table.concat(pieces)
end

local function write_and_end(conn, ...)
  assert(conn:write(...))
  assert(conn:shutdown("write"))
end

function spec.test_much_comes_through_a_slow_reader_unharmed()
  local sent = pattern(4 << 20)
  local writer = waiting(write_and_end, far, sent)
  lu.assertTrue(read_slowly(near) == sent)
  lu.assertTrue(writer:wait())
end

function spec.test_pieces_small_and_large_go_out_in_order()
  local a, b, c = pattern(100, 2), pattern(100000, 3), pattern(16384, 4)
  ml.spawn(write_and_end, far, a, b, "", a, c, a, a)
  lu.assertTrue(near:read("a") == a .. b .. a .. c .. a .. a)
end

function spec.test_two_tasks_read_and_write_at_once()
  local mine, other = pattern(1 << 20, 5), pattern(1 << 20, 6)
  ml.spawn(write_and_end, near, mine)
  ml.spawn(write_and_end, far, other)
  local reader = ml.spawn(read_slowly, far)
  lu.assertTrue(read_slowly(near) == other)
  lu.assertTrue(select(2, reader:wait()) == mine)
end

function spec.test_a_peer_that_does_not_read_holds_the_writer_up()
  local taken = fill(far)
  lu.assertTrue(taken > 0 and taken < 16 << 20)
  local writer = waiting(write_and_end, far, "end")
  lu.assertEquals(#near:read("a"), taken + 3)
  lu.assertTrue(writer:wait())
end

function spec.test_what_writesome_took_goes_out_while_a_task_reads()
  local taken = fill(far)
  lu.assertTrue(far:unsent() > 0)
  local reader = waiting(far.recv, far)
  lu.assertEquals(#near:read(taken), taken)
  lu.assertEquals(far:unsent(), 0)
  near:write("x")
  lu.assertEquals({ reader:wait() }, { true, "x" })
end

function spec.test_what_writesome_took_goes_out_when_nothing_is_written()
  local taken = fill(far)
  near:settimeout(0.01)
  near:read(taken)
  for _ = 1, 20 do -- a system may refuse it
    lu.assertEquals(far:writesome(""), 0)
  end
  lu.assertEquals(far:unsent(), 0)
  lu.assertEquals(#near:read(taken), taken)
end

function spec.test_a_writer_that_is_killed_leaves_the_stream_whole()
  local writer = waiting(far.write, far, ("x"):rep(4 << 20))
  writer:kill()
  ml.spawn(write_and_end, far, "next")
  local bytes = near:read("a")
  lu.assertEquals(bytes:sub(-5), "xnext")
  lu.assertEquals(bytes:find("[^x]"), #bytes - 3)
end

-- ------------------------------------------------------------------- timeouts

function spec.test_a_read_that_is_cut_by_a_timeout_loses_nothing()
  near:settimeout(0.001)
  far:write("half")
  assert_code("ETIMEDOUT", near:read(8))
  far:write("half")
  lu.assertEquals(near:read(8), "halfhalf")
end

function spec.test_a_write_that_is_cut_tells_how_much_is_out()
  far:settimeout(0.001)
  local err = assert_code("ETIMEDOUT", far:write(("x"):rep(8 << 20)))
  lu.assertTrue(err.written > 0 and err.written < 8 << 20)
  far:settimeout(nil)
  ml.spawn(far.shutdown, far, "write")
  lu.assertEquals(#near:read("a"), err.written)
end

-- -------------------------------------------------------------------- the end

function spec.test_closing_is_told_to_the_peer()
  far:write("x")
  far:close()
  lu.assertEquals(near:recv(), "x")
  assert_end(near)
end

function spec.test_one_direction_ends_and_the_other_goes_on()
  lu.assertTrue(far:shutdown("write"))
  assert_end(near)
  assert_code("EPIPE", far:write("x"))
  lu.assertTrue(near:write("still there"))
  lu.assertEquals(far:recv(), "still there")
end

function spec.test_a_direction_may_be_ended_twice()
  lu.assertTrue(near:shutdown "write")
  lu.assertTrue(near:shutdown "write")
  far:write("x")
  lu.assertEquals({ far:recv(), near:recv() }, { nil, "x" })
end

function spec.test_who_does_not_want_to_read_any_more_may_write()
  local reader = waiting(far.recv, far)
  lu.assertTrue(far:shutdown("read"))
  lu.assertEquals({ reader:wait() }, { true })
  lu.assertTrue(far:write("x"))
  lu.assertEquals(near:recv(), "x")
end

function spec.test_both_directions_end()
  lu.assertTrue(far:shutdown())
  assert_end(near)
  assert_end(far)
  assert_code("EPIPE", far:write("x"))
end

-- A connection that was cut is no end: what came may be half of it.
function spec.test_a_connection_that_is_cut_off_is_told_from_its_end()
  local wires <close> = tls_pair.apart()
  tls_pair.carry(wires.mine, wires.other)
  tls_pair.carry(wires.other, wires.mine)
  tls_pair.shake(wires.near, wires.far)
  wires.far:write("half")
  lu.assertEquals(wires.near:recv(), "half")
  wires.mine:close()
  for _ = 1, 2 do
    local err = assert_code("ETLS_TRUNCATED", wires.near:recv())
    lu.assertEquals({ err.op, err.reason },
      { "recv", "without a close_notify" })
  end
  assert_code("ETLS_TRUNCATED", wires.near:read("a"))
  lu.assertErrorMsgContains("ETLS_TRUNCATED", function()
    for _ in wires.near:lines() do end
  end)
end

function spec.test_a_byte_that_was_changed_on_the_way_ends_the_connection()
  local wires <close> = tls_pair.apart()
  local spoil = false
  tls_pair.carry(wires.mine, wires.other)
  tls_pair.carry(wires.other, wires.mine, function(to, record)
    return to:write(spoil
      and record:sub(1, -2) .. string.char(record:byte(-1) ~ 1) or record)
  end)
  tls_pair.shake(wires.near, wires.far)
  spoil = true
  wires.far:write("secret")
  local err = assert_code("ETLS_PROTOCOL", wires.near:recv())
  lu.assertEquals(err.reason, "decryption failed or bad record mac")
  assert_code("ETLS_ALERT", wires.far:recv())
end

function spec.test_a_close_under_those_who_wait_ends_their_calls()
  local reader = waiting(near.recv, near)
  local writer = waiting(near.write, near, ("x"):rep(8 << 20))
  near:close()
  assert_code("EBADF", select(2, reader:wait()))
  assert_code("EBADF", select(2, writer:wait()))
end

function spec.test_a_stream_that_is_lost_says_good_bye()
  local reader = waiting(near.recv, near)
  far = near
  near = nil
  collectgarbage()
  lu.assertEquals({ reader:wait() }, { true })
  near = far
end

-- ------------------------------------------------------------------- waiting

-- An error ends a wait as well, and the next read tells it.
local function assert_unreadable(conn, seconds)
  local ready, err = ml.wait_io_read(conn, seconds)
  if ready then
    assert(conn:recv(1, 0))
  end
  assert_code("ETIMEDOUT", ready, err)
end

local function recv_when_ready(conn)
  lu.assertTrue(ml.wait_io_read(conn))
  return conn:recv()
end

function spec.test_bytes_that_are_held_can_be_read()
  far:write("abc")
  lu.assertEquals(near:recv(1), "a")
  lu.assertTrue(ml.wait_io_read(near, 0))
  lu.assertEquals(near:recv(), "bc")
  assert_unreadable(near, 0)
end

-- The server's tickets are bytes on the descriptor, and none of the stream.
function spec.test_what_is_no_data_does_not_end_a_wait()
  assert_unreadable(near, 0.002)
  local task = waiting(recv_when_ready, near)
  far:write("x")
  lu.assertEquals({ task:wait() }, { true, "x" })
end

function spec.test_a_record_that_is_not_complete_does_not_end_a_wait()
  local wires <close> = tls_pair.apart()
  local held
  tls_pair.carry(wires.mine, wires.other)
  tls_pair.carry(wires.other, wires.mine, function(to, record)
    if held == "" then
      held = record:sub(-1)
      record = record:sub(1, -2)
    end
    return to:write(record)
  end)
  tls_pair.shake(wires.near, wires.far)
  wires.far:write("!")
  lu.assertEquals(wires.near:recv(), "!") -- tickets have come before it
  assert_unreadable(wires.near, 0.002)
  held = ""
  wires.far:write("secret")
  assert_unreadable(wires.near, 0.002)
  local task = waiting(recv_when_ready, wires.near)
  wires.mine:write(held)
  lu.assertEquals({ task:wait() }, { true, "secret" })
end

-- The system tells of a reset once.
function spec.test_what_a_wait_has_found_is_told_by_the_next_read()
  local wires <close> = tls_pair.apart()
  local there = tls_pair.carry(wires.mine, wires.other)
  tls_pair.carry(wires.other, wires.mine)
  tls_pair.shake(wires.near, wires.far)
  there:kill()
  wires.near:write("unread")
  wires.mine:close()
  for _ = 1, 2 do
    lu.assertTrue(ml.wait_io_read(wires.near))
    assert_code("ECONNRESET", wires.near:recv())
  end
end

function spec.test_two_readers_are_served_in_turn()
  local first = waiting(near.read, near, 2)
  local second = waiting(near.read, near, 2)
  far:write("abcd")
  lu.assertEquals({ first:wait() }, { true, "ab" })
  lu.assertEquals({ second:wait() }, { true, "cd" })
end

-- ------------------------------------------------- a peer that does not read

local plenty = ("0123456789abcdef"):rep(1 << 16)

local function read_all()
  local pieces = {}
  repeat
    local piece = far:recv()
    pieces[#pieces + 1] = piece
  until not piece
  return table.concat(pieces)
end

-- C7.4: what is to be said before the end is said.
function spec.test_a_shutdown_waits_for_who_writes()
  local writer = waiting(near.write, near, plenty)
  local ender = waiting(near.shutdown, near, "write")
  lu.assertTrue(read_all() == plenty)
  lu.assertTrue(writer:join())
  lu.assertTrue(ender:join())
end

function spec.test_a_shutdown_says_first_what_a_write_has_left()
  local taken = fill(near)
  local ender = waiting(near.shutdown, near, "write")
  lu.assertEquals(#read_all(), taken)
  lu.assertTrue(ender:join())
end

function spec.test_a_file_is_sent_to_who_reads_late()
  local file <close> = assert(io.tmpfile())
  file:write(plenty)
  file:flush()
  local sender = waiting(near.sendfile, near, file, 0)
  local reader = ml.spawn(read_all)
  lu.assertEquals(sender:join(), #plenty)
  lu.assertTrue(near:shutdown("write"))
  lu.assertTrue(reader:join() == plenty)
end

function spec.test_a_file_is_sent_to_nobody()
  local file <close> = assert(io.tmpfile())
  file:write(plenty)
  file:flush()
  local sender = waiting(near.sendfile, near, file, 0)
  far:close()
  lu.assertNil((sender:join()))
end

return spec
