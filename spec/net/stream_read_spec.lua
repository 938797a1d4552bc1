-- Reading from streams: recv, read, lines. C7.4, C2.1.

local assert_code = require "spec.support.assert_code"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local raises = require "spec.support.raises"
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

-- What one end reads of a text when the other has written it and closed.
local function reading(text, ...)
  far:write(text)
  far:close()
  return near:read(...)
end

-- -------------------------------------------------------------------- recv

function spec.test_recv_gives_what_is_there()
  far:write("some bytes")
  lu.assertEquals(near:recv(), "some bytes")
end

function spec.test_recv_gives_at_most_what_was_asked_for()
  far:write("abcdef")
  lu.assertEquals(near:recv(2), "ab")
  lu.assertEquals(near:recv(1), "c")
  lu.assertEquals(near:recv(100), "def")
end

function spec.test_recv_leaves_what_it_was_not_asked_for_in_the_system()
  local copy <close> = net.stream(near)
  far:write("abcdef")
  lu.assertEquals(near:recv(1), "a")
  lu.assertEquals(copy:read(5), "bcdef")
end

function spec.test_recv_waits_for_bytes_as_they_come()
  local task = waiting(near.recv, near)
  far:write("x")
  lu.assertEquals(select(2, task:wait()), "x")
end

function spec.test_recv_at_the_end_is_a_lone_nil_again_and_again()
  far:write("x")
  far:close()
  lu.assertEquals(near:recv(), "x")
  lu.assertEquals(table.pack(near:recv()), { n = 1 })
  lu.assertEquals(table.pack(near:recv(1, 0)), { n = 1 })
end

function spec.test_recv_gives_first_what_a_read_has_left()
  far:write("line\nrest")
  lu.assertEquals(near:read("l"), "line")
  far:write(" and more")
  lu.assertEquals(near:recv(2), "re")
  lu.assertEquals(near:recv(), "st")
  lu.assertEquals(near:recv(), " and more")
end

function spec.test_recv_with_a_timeout_of_0_tries_once()
  assert_code("ETIMEDOUT", near:recv(nil, 0))
  far:write("x")
  lu.assertEquals(near:recv(nil, 0), "x")
end

function spec.test_recv_ends_after_its_own_timeout()
  near:settimeout(math.huge)
  local value, err = near:recv(nil, 0.001)
  assert_code("ETIMEDOUT", value, err)
  lu.assertEquals(err.op, "recv")
  lu.assertTrue(near:settimeout(0))
  local task = waiting(near.recv, near, nil, math.huge)
  far:write("x")
  lu.assertEquals(select(2, task:wait()), "x")
end

function spec.test_recv_of_nothing_or_of_text_is_misuse()
  raises("at least one byte", function() near:recv(0) end)
  raises("at least one byte", function() near:recv(-1) end)
  raises("number expected", function() near:recv("10") end)
  raises("number expected", function() near:recv(1, "10") end)
  raises("NaN", function() near:recv(1, 0 / 0) end)
end

-- ----------------------------------------------------------------- formats

function spec.test_a_line_comes_without_its_end()
  lu.assertEquals(reading("one\n\ntwo\n", "l"), "one")
  lu.assertEquals(near:read("l"), "")
  lu.assertEquals(near:read("l"), "two")
  lu.assertEquals(table.pack(near:read("l")), { n = 1 })
end

function spec.test_a_line_is_read_when_no_format_is_given()
  lu.assertEquals(reading("one\ntwo"), "one")
end

function spec.test_a_capital_l_keeps_the_end_of_the_line()
  lu.assertEquals(reading("one\ntwo", "L"), "one\n")
  lu.assertEquals(near:read("L"), "two")
  lu.assertNil(near:read("L"))
end

function spec.test_a_carriage_return_and_a_zero_are_bytes_like_others()
  lu.assertEquals(reading("a\r\n\0b\n", "l", "l"), "a\r")
end

function spec.test_the_last_line_needs_no_end()
  lu.assertEquals(reading("one\ntwo", "l", "l"), "one")
  lu.assertEquals(near:read("l"), nil)
end

function spec.test_a_count_gives_exactly_so_many_bytes()
  lu.assertEquals(reading("abcdef", 3), "abc")
  lu.assertEquals(near:read(1), "d")
end

function spec.test_a_count_gives_fewer_bytes_only_at_the_end()
  lu.assertEquals(reading("abc", 10), "abc")
  lu.assertEquals(table.pack(near:read(10)), { n = 1 })
end

function spec.test_a_count_of_0_asks_whether_there_is_more()
  lu.assertEquals(reading("a", 0), "")
  lu.assertEquals(near:read(0), "")
  lu.assertEquals(near:read(1), "a")
  lu.assertNil(near:read(0))
end

function spec.test_a_count_of_0_waits_until_it_knows()
  local task = waiting(near.read, near, 0)
  far:write("x")
  lu.assertEquals(select(2, task:wait()), "")
  lu.assertEquals(near:read(1), "x")
end

function spec.test_a_gives_all_up_to_the_end_and_then_the_empty_string()
  lu.assertEquals(reading("one\ntwo", "a"), "one\ntwo")
  lu.assertEquals(near:read("a"), "")
  lu.assertNil(near:read("l"))
end

function spec.test_a_star_before_a_format_is_tolerated_as_in_lua()
  local line, rest = reading("one\ntwo\n", "*line", "*a")
  lu.assertEquals({ line, rest }, { "one", "two\n" })
end

function spec.test_several_formats_are_read_in_their_order()
  local values = table.pack(reading("4\nbody\nrest", "l", 4, "L", "a"))
  lu.assertEquals(values, { n = 4, "4", "body", "\n", "rest" })
end

function spec.test_the_answers_end_with_nil_for_the_format_that_failed()
  local values = table.pack(reading("one\n", "l", "l", "a"))
  lu.assertEquals(values, { n = 2, "one" })
end

function spec.test_what_is_no_format_is_misuse()
  raises("use tonumber", function() near:read("n") end)
  raises("invalid format", function() near:read("x") end)
  raises("invalid format", function() near:read("") end)
  raises("cannot be negative", function() near:read(-1) end)
  raises("integer", function() near:read(1.5) end)
  raises("string expected", function() near:read({}) end)
  raises("bad argument #2 to 'read'", function() near:read("l", true) end)
end

-- ------------------------------------------------------- piece after piece

function spec.test_a_line_may_come_in_pieces()
  local task = waiting(near.read, near, "l")
  for piece in ("a lo|ng li|ne\nand"):gmatch("[^|]+") do
    far:write(piece)
    ml.yield()
  end
  lu.assertEquals(select(2, task:wait()), "a long line")
  lu.assertEquals(near:read(3), "and")
end

function spec.test_a_line_is_found_in_what_came_with_the_end_of_another()
  far:write("one")
  local task = waiting(near.read, near, "l", "l", "l")
  far:write("\na\nlast\n")
  lu.assertEquals({ select(2, task:wait()) }, { "one", "a", "last" })
end

function spec.test_a_count_may_come_byte_by_byte()
  local task = waiting(near.read, near, 3, "L")
  for byte in ("abcd\n"):gmatch(".") do
    far:write(byte)
    ml.yield()
  end
  lu.assertEquals({ select(2, task:wait()) }, { "abc", "d\n" })
end

function spec.test_a_large_item_comes_whole()
  local text = ("0123456789abcdef"):rep(1 << 17) -- 2 MiB
  local writer = ml.spawn(function()
    far:write(text, text)
    far:close()
  end)
  lu.assertTrue(near:read(#text) == text)
  lu.assertTrue(near:read("a") == text)
  lu.assertTrue(writer:wait())
end

-- --------------------------------------------------------------- long lines

function spec.test_a_line_of_more_than_1_mib_is_emsgsize()
  local mib = ("x"):rep(1 << 20)
  local writer = ml.spawn(far.write, far, mib, "\n", mib, "y\n")
  lu.assertTrue(near:read("l") == mib)
  local value, err = near:read("l")
  assert_code("EMSGSIZE", value, err)
  lu.assertEquals(err.op, "read")
  writer:kill()
end

function spec.test_a_line_that_is_too_long_stays_and_can_be_read_otherwise()
  lu.assertTrue(near:setmaxline(4))
  far:write("1234\n12345\nnext\n")
  lu.assertEquals(near:read("l"), "1234")
  assert_code("EMSGSIZE", near:read("l"))
  assert_code("EMSGSIZE", near:read("L"))
  lu.assertEquals(near:read(3), "123")
  lu.assertEquals(near:read("l"), "45")
  lu.assertEquals(near:read("l"), "next")
end

function spec.test_a_line_that_is_too_long_can_be_allowed_later()
  near:setmaxline(4)
  far:write("123456\n")
  assert_code("EMSGSIZE", near:read("l"))
  near:setmaxline(6)
  lu.assertEquals(near:read("l"), "123456")
end

-- C7.4
function spec.test_the_length_of_lines_is_an_option()
  lu.assertTrue(near:setoption("maxline", 4))
  lu.assertEquals(near:getoption("maxline"), 4)
  far:write("12345\n")
  assert_code("EMSGSIZE", near:read("l"))
  local why = "#2 to 'setoption' (at least one byte"
  raises(why, function() near:setoption("maxline", 0) end)
  local listener <close> = assert(net.listen("127.0.0.1:0", { maxline = 2 }))
  local conn <close> = assert(net.connect(listener:address(), { maxline = 3 }))
  local peer <close> = assert(listener:accept())
  conn:write("123\n")
  peer:write("1234\n")
  assert_code("EMSGSIZE", peer:read("l"))
  assert_code("EMSGSIZE", conn:read("l"))
  raises("option 'maxline'", function() net.listen(":0", { maxline = 0 }) end)
end

function spec.test_a_line_too_long_is_found_before_its_end_has_come()
  near:setmaxline(4)
  far:write("12345")
  assert_code("EMSGSIZE", near:read("l"))
end

function spec.test_a_limit_of_lines_that_allows_none_is_misuse()
  raises("at least one byte", function() near:setmaxline(0) end)
  raises("number expected", function() near:setmaxline("80") end)
end

-- ------------------------------------------------------------------- lines

function spec.test_lines_gives_each_line_until_the_end()
  far:write("one\ntwo\n\nthree")
  far:close()
  local list = {}
  for line in near:lines() do
    list[#list + 1] = line
  end
  lu.assertEquals(list, { "one", "two", "", "three" })
end

function spec.test_lines_takes_the_formats_of_read()
  far:write("a1\nb2\n")
  far:close()
  local list = {}
  for letter, rest in near:lines(1, "L") do
    list[#list + 1] = letter .. "=" .. rest
  end
  lu.assertEquals(list, { "a=1\n", "b=2\n" })
end

function spec.test_lines_waits_for_the_next_line()
  local seen = {}
  local task = waiting(function()
    for line in near:lines() do
      seen[#seen + 1] = line
    end
  end)
  far:write("one\ntw")
  ml.wait_io_write(far)
  far:write("o\n")
  far:close()
  lu.assertTrue(task:wait())
  lu.assertEquals(seen, { "one", "two" })
end

function spec.test_lines_raises_on_error()
  near:settimeout(0.01)
  far:write("one\ntw")
  local seen = {}
  local ok, err = pcall(function()
    for line in near:lines() do
      seen[#seen + 1] = line
    end
  end)
  lu.assertFalse(ok)
  lu.assertEquals(err.code, "ETIMEDOUT")
  lu.assertEquals(seen, { "one" })
  lu.assertEquals(near:read(2), "tw")
end

function spec.test_lines_checks_its_formats_at_once()
  raises("invalid format", function() near:lines("x") end)
  raises("use tonumber", function() near:lines("l", "n") end)
  lu.assertFalse(pcall(near.lines, near, table.unpack({}, 1, 300)))
end

-- ------------------------------------------------------- reads that are cut

function spec.test_a_read_cut_by_its_timeout_leaves_its_bytes()
  near:settimeout(0.001)
  far:write("half a li")
  assert_code("ETIMEDOUT", near:read("l"))
  assert_code("ETIMEDOUT", near:read(100))
  assert_code("ETIMEDOUT", near:read("a"))
  far:write("ne\n")
  lu.assertEquals(near:read("l"), "half a line")
end

function spec.test_a_cut_read_leaves_what_its_first_formats_had_taken()
  near:settimeout(0.01)
  far:write("one\ntwo\nthr")
  assert_code("ETIMEDOUT", near:read("l", "l", "l"))
  lu.assertEquals({ near:read("l", "l") }, { "one", "two" })
  lu.assertEquals(near:read(3), "thr")
end

function spec.test_a_read_cut_by_a_kill_leaves_its_bytes()
  far:write("one\ntw")
  local task = waiting(near.read, near, "l", "l")
  lu.assertTrue(task:kill())
  far:write("o\n")
  lu.assertEquals({ near:read("l", "l") }, { "one", "two" })
end

function spec.test_a_read_cut_by_a_cancellation_leaves_its_bytes()
  far:write("one\ntw")
  local task = waiting(function()
    return pcall(near.read, near, "l", "l")
  end)
  lu.assertTrue(task:cancel())
  lu.assertEquals(select(3, task:wait()).code, "ECANCELED")
  far:write("o\n")
  lu.assertEquals({ near:read("l", "l") }, { "one", "two" })
end

function spec.test_bytes_that_were_read_count_as_ready_to_read()
  far:write("one\ntwo")
  lu.assertEquals(near:read("l"), "one")
  lu.assertTrue(ml.wait_io_read(near, 0)) -- C3
  lu.assertEquals(near:read(3), "two")
  assert_code("ETIMEDOUT", ml.wait_io_read(near, 0))
end

-- C3 (wait_io_read): also when another task has read them from the system
function spec.test_bytes_that_another_task_has_left_wake_who_waits_for_them()
  local task = waiting(ml.wait_io_read, near)
  local choice = waiting(function()
    return ml.any { syscall.sleep(math.huge), syscall.wait_io_read(near) }
  end)
  far:write("one\ntwo")
  lu.assertEquals(near:read("l"), "one") -- at once: no poller has seen it
  lu.assertEquals({ task:wait(5) }, { true, true })
  lu.assertEquals({ choice:wait(5) }, { true, 2, true })
  lu.assertEquals(near:read(3), "two")
end

-- C3 (wait_io_read): the end is kept as bytes are
function spec.test_a_stream_that_has_ended_is_ready_to_read()
  far:close()
  lu.assertNil(near:recv())
  lu.assertTrue(ml.wait_io_read(near, 0))
end

function spec.test_reading_much_without_a_wait_lets_others_run()
  local zeros <close> = net.stream(assert(io.open("/dev/zero")))
  local turns = 0
  local other = ml.spawn(function()
    while true do
      turns = turns + 1
      ml.yield()
    end
  end)
  lu.assertEquals(#zeros:read(32 << 20), 32 << 20)
  other:kill()
  lu.assertTrue(turns > 3, "turns: " .. turns)
end

return spec
