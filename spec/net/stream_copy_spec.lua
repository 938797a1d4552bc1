-- Copying from one stream to another. C7.4, C2.7.

local fill = require "spec.support.fill"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local raises = require "spec.support.raises"
local waiting = require "spec.support.waiting"

local spec = {}

-- A source with its writer, and a sink with its reader.
local writer, source, sink, reader

function spec.before_each()
  writer, source = assert(net.pair())
  sink, reader = assert(net.pair())
end

function spec.after_each()
  for _, stream in ipairs { writer, source, sink, reader } do
    stream:close()
  end
end

local plenty = ("0123456789abcdef"):rep(1 << 16) -- 1 MiB

function spec.test_copy_goes_on_to_the_end_and_tells_how_much_it_was()
  ml.spawn(function()
    writer:write(plenty)
    writer:shutdown("write")
  end)
  local got = ml.spawn(reader.read, reader, "a")
  lu.assertEquals(source:copy(sink), #plenty)
  sink:close()
  lu.assertTrue(got:join() == plenty)
end

function spec.test_copy_of_a_count_leaves_the_rest_to_be_read()
  writer:write("one,two")
  lu.assertEquals(source:recv(1), "o")
  lu.assertEquals(source:copy(sink, 2), 2)
  lu.assertEquals(reader:read(2), "ne")
  lu.assertEquals(source:read(4), ",two")
  lu.assertEquals(source:copy(sink, 0), 0)
end

function spec.test_what_was_read_ahead_is_copied_first()
  writer:write("line\nrest")
  lu.assertEquals(source:read("l"), "line")
  writer:shutdown("write")
  lu.assertEquals(source:copy(sink), 4)
  lu.assertEquals(reader:read(4), "rest")
end

function spec.test_a_stream_may_be_copied_to_itself()
  local task = ml.spawn(source.copy, source, source)
  writer:write("echo")
  lu.assertEquals(writer:read(4), "echo")
  writer:shutdown("write")
  lu.assertEquals(task:join(), 4)
end

-- C7.4: what was read and not written stays in the reader
function spec.test_a_copy_that_times_out_loses_nothing()
  fill(sink)
  writer:write("under way")
  local n, err = source:copy(sink, nil, 0.001)
  lu.assertNil(n)
  lu.assertEquals({ err.code, err.op, err.written }, { "ETIMEDOUT", "copy", 0 })
  lu.assertEquals(source:read(9), "under way")
end

-- C2.7: from the call, however much moves meanwhile
function spec.test_the_timeout_bounds_the_whole_copy()
  local feeder = ml.spawn(function()
    while writer:write("x") do
      ml.yield()
    end
  end)
  local n, err = source:copy(sink, nil, 0.005)
  feeder:kill()
  lu.assertNil(n)
  lu.assertEquals(err.code, "ETIMEDOUT")
  lu.assertTrue(err.written > 0)
  lu.assertEquals(#reader:read(err.written), err.written)
end

function spec.test_settimeout_bounds_idleness()
  source:settimeout(0.001)
  local n, err = source:copy(sink)
  lu.assertNil(n)
  lu.assertEquals(err.code, "ETIMEDOUT")
end

function spec.test_a_kill_in_the_middle_loses_nothing_and_leaves_both_turns()
  fill(sink)
  writer:write("kept")
  local task = waiting(source.copy, source, sink)
  local queued = waiting(sink.write, sink, "!")
  task:kill()
  lu.assertEquals(source:read(4), "kept")
  repeat
    local data = reader:recv()
  until data:sub(-1) == "!"
  lu.assertTrue(queued:join())
end

function spec.test_readers_and_writers_wait_for_the_end_of_a_copy()
  local copy = waiting(source.copy, source, sink, 3)
  local read = waiting(source.read, source, 3)
  local write = waiting(sink.write, sink, "after")
  writer:write("abcdef")
  lu.assertEquals(copy:join(), 3)
  lu.assertEquals(read:join(), "def")
  lu.assertTrue(write:join())
  lu.assertEquals(reader:read(8), "abcafter")
end

function spec.test_a_copy_waits_for_a_write_that_was_before_it()
  fill(sink)
  local write = waiting(sink.write, sink, "first")
  writer:write("second")
  writer:shutdown("write")
  local copy = waiting(source.copy, source, sink)
  local text = ml.spawn(reader.read, reader, "a")
  lu.assertTrue(write:join())
  lu.assertEquals(copy:join(), 6)
  sink:close()
  lu.assertEquals(text:join():sub(-11), "firstsecond")
end

-- C2.6
function spec.test_closing_either_end_ends_a_copy()
  for _, name in ipairs { "sink", "source" } do
    spec.before_each()
    local stream = name == "sink" and sink or source
    local task = waiting(source.copy, source, sink)
    stream:close()
    local n, err = task:join()
    lu.assertNil(n)
    lu.assertEquals({ name, err.code, err.op }, { name, "EBADF", "copy" })
    spec.after_each()
  end
end

function spec.test_an_error_of_the_sink_leaves_the_rest_in_the_source()
  reader:close()
  writer:write("unsent")
  local n, err = source:copy(sink)
  lu.assertNil(n)
  lu.assertEquals({ err.code, err.written }, { "EPIPE", 0 })
  lu.assertEquals(source:read(6), "unsent")
end

function spec.test_misuse()
  raises("bad argument #1 to 'copy'", function() source:copy() end)
  raises("bad argument #1 to 'copy'", function() source:copy(1) end)
  raises("a count cannot be negative", function() source:copy(sink, -1) end)
  raises("bad argument #3 to 'copy'", function() source:copy(sink, 1, "1") end)
end

-- Nothing ever makes this copy wait, so it lets the others run by itself.
function spec.test_a_copy_that_need_not_wait_gives_way()
  local zero <close> = net.stream(assert(io.open "/dev/zero"))
  local null <close> = net.stream(assert(io.open("/dev/null", "w")))
  local turns = 0
  local other = ml.spawn(function()
    while true do
      turns = turns + 1
      ml.yield()
    end
  end)
  lu.assertEquals(zero:copy(null, 1 << 25), 1 << 25)
  other:kill()
  lu.assertTrue(turns > 1)
end

function spec.test_a_copy_begins_where_a_read_had_waited()
  local reading = waiting(source.recv, source)
  writer:write("d")
  lu.assertEquals(reading:join(), "d")
  local task = waiting(source.copy, source, sink, 3)
  writer:write("abc")
  lu.assertEquals({ task:join(), reader:read(3) }, { 3, "abc" })
end

return spec
