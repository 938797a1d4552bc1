-- Writing to streams: write, writesome, both directions at once. C7.4, C7.5.

local fill = require "spec.support.fill"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local pipe = require "spec.support.pipe"
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

-- More than any socket holds.
local plenty = ("0123456789abcdef"):rep(1 << 19) -- 8 MiB

function spec.test_write_answers_true_when_all_is_out()
  lu.assertEquals(table.pack(near:write("all of it")), { n = 1, true })
  lu.assertEquals(far:read(9), "all of it")
end

function spec.test_write_takes_strings_and_numbers()
  lu.assertTrue(near:write("a", 1, 2.5, "", "b"))
  lu.assertEquals(far:read(6), "a12.5b")
end

function spec.test_write_of_nothing_is_true()
  lu.assertTrue(near:write())
  lu.assertTrue(near:write("", ""))
end

function spec.test_write_of_other_values_is_misuse_and_writes_nothing()
  raises("bad argument #2 to 'write'", function() near:write("a", {}) end)
  raises("string expected, got nil", function() near:write(nil) end)
  lu.assertNil((far:recv(1, 0)))
end

function spec.test_many_strings_go_out_in_their_order()
  local pieces, total = {}, 0
  for i = 1, 1000 do
    pieces[i] = tostring(i):rep(i % 7 * 40)
    total = total + #pieces[i]
  end
  local task = ml.spawn(near.write, near, table.unpack(pieces))
  lu.assertTrue(far:read(total) == table.concat(pieces))
  lu.assertTrue(task:wait())
end

function spec.test_write_waits_until_all_has_gone_out()
  local task = waiting(near.write, near, "head", plenty, "tail")
  lu.assertEquals(far:read(4), "head")
  lu.assertNotEquals(task:status(), "done")
  lu.assertTrue(far:read(#plenty) == plenty)
  lu.assertEquals(far:read(4), "tail")
  lu.assertEquals({ task:wait() }, { true, true })
end

function spec.test_both_directions_run_at_once_through_full_buffers()
  local writers = {
    waiting(near.write, near, plenty), waiting(far.write, far, plenty),
  }
  local readers = {
    ml.spawn(near.read, near, #plenty), ml.spawn(far.read, far, #plenty),
  }
  for _, reader in ipairs(readers) do
    lu.assertTrue(select(2, reader:wait()) == plenty)
  end
  for _, writer in ipairs(writers) do
    lu.assertEquals({ writer:wait() }, { true, true })
  end
end

function spec.test_writing_much_without_a_wait_lets_others_run()
  local null <close> = net.stream(assert(io.open("/dev/null", "w")))
  local turns = 0
  local other = ml.spawn(function()
    while true do
      turns = turns + 1
      ml.yield()
    end
  end)
  local pieces = {}
  for i = 1, 5000 do -- of which some go out with one system call
    pieces[i] = "x"
  end
  lu.assertTrue(null:write(table.unpack(pieces)))
  other:kill()
  lu.assertTrue(turns > 3, "turns: " .. turns)
end

-- ---------------------------------------------------------------- failures

function spec.test_a_write_that_times_out_tells_how_much_is_out()
  near:settimeout(0.001)
  local ok, err = near:write("head", plenty)
  lu.assertNil(ok)
  lu.assertEquals(err.code, "ETIMEDOUT")
  lu.assertEquals(err.op, "write")
  lu.assertTrue(err.written > 4)
  lu.assertEquals(#far:read(err.written), err.written)
  lu.assertNil((far:recv(1, 0)))
end

function spec.test_a_write_with_a_timeout_of_0_writes_what_fits()
  near:settimeout(0)
  local _, err = near:write(plenty)
  lu.assertTrue(err.written > 0)
  lu.assertEquals(select(2, near:write("x")).written, 0)
end

function spec.test_to_write_when_the_peer_has_closed_is_epipe()
  far:close()
  local ok, err = near:write("x")
  lu.assertNil(ok)
  lu.assertEquals({ err.code, err.op, err.written }, { "EPIPE", "write", 0 })
  lu.assertEquals(select(2, near:writesome("x")).code, "EPIPE")
end

function spec.test_a_peer_that_closes_ends_a_write_in_progress()
  local task = waiting(near.write, near, plenty)
  local taken = #far:recv()
  far:close()
  local _, ok, err = task:wait()
  lu.assertNil(ok)
  lu.assertTrue(err.code == "EPIPE" or err.code == "ECONNRESET", err.code)
  lu.assertTrue(err.written >= taken)
end

-- The process would be gone: C7.5.
function spec.test_a_pipe_without_a_reader_is_epipe_and_no_signal()
  local ends <close> = pipe()
  local stream <close> = net.stream(ends.writer)
  lu.assertTrue(stream:write("x"))
  ends.reader:close()
  lu.assertEquals(select(2, stream:write("x")).code, "EPIPE")
  lu.assertEquals(select(2, stream:write("x", "y")).code, "EPIPE")
end

-- --------------------------------------------------------------- writesome

function spec.test_writesome_writes_what_fits_now_and_counts_it()
  lu.assertEquals(near:writesome("abc"), 3)
  local n = 3 + fill(near)
  lu.assertEquals(near:writesome("abc"), 0)
  lu.assertEquals(#far:read(n), n)
  lu.assertEquals(near:writesome(""), 0)
  lu.assertEquals(near:writesome("abc"), 3)
end

function spec.test_writesome_does_not_get_into_what_another_task_writes()
  local task = waiting(near.write, near, plenty)
  far:recv()
  lu.assertEquals(near:writesome("in between"), 0)
  task:kill()
end

function spec.test_writesome_of_what_is_no_text_is_misuse()
  raises("string expected", function() near:writesome() end)
  raises("string expected", function() near:writesome({}) end)
end

-- More of them than go out with one system call.
function spec.test_hundreds_of_pieces_arrive_in_order()
  local listener <close> = assert(net.listen("127.0.0.1:0"))
  local conn <close> = assert(net.connect(listener:address()))
  local peer <close> = assert(listener:accept())
  local pieces = {}
  for i = 1, 500 do
    pieces[i] = ("%03d,"):format(i)
  end
  local all = table.concat(pieces)
  lu.assertTrue(conn:write(table.unpack(pieces)))
  lu.assertEquals(peer:read(#all), all)
  local empty = {}
  for i = 1, 100 do
    empty[i] = ""
  end
  lu.assertTrue(conn:write(table.unpack(empty)))
end

-- A pipe that is full is not written to, for its other users might want it to
-- block.
function spec.test_a_full_pipe_is_waited_for()
  local ends <close> = pipe()
  local sink <close> = assert(net.stream(ends.writer))
  local source <close> = assert(net.stream(ends.reader))
  local text = ("0123456789abcdef"):rep(1 << 16)
  local task = ml.spawn(sink.write, sink, text)
  ml.yield()
  lu.assertEquals(task:status(), "waiting")
  lu.assertEquals(sink:writesome "more", 0)
  lu.assertTrue(source:read(#text) == text)
  lu.assertTrue(task:join())
end

return spec
