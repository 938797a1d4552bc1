-- Buffers that streams read into and write from. C7.4.

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

local plenty = ("0123456789abcdef"):rep(1 << 19) -- 8 MiB

local function holding(...)
  return net.buffer():put(...)
end

-- ------------------------------------------------------------------ the bytes

function spec.test_a_buffer_holds_what_is_put_into_it()
  local buffer = holding("a", 1, "", "bc")
  lu.assertEquals({ #buffer, buffer:tostring() }, { 4, "a1bc" })
  lu.assertEquals(buffer:put(buffer, buffer):tostring(), "a1bca1bca1bca1bc")
  lu.assertEquals(tostring(holding("abc")), "buffer (3 bytes)")
end

function spec.test_sub_is_that_of_strings()
  local text = "hello"
  local buffer = holding(text)
  for i = -7, 7 do
    lu.assertEquals(buffer:sub(i), text:sub(i))
    for j = -7, 7 do
      lu.assertEquals(buffer:sub(i, j), text:sub(i, j))
    end
  end
end

function spec.test_find_is_that_of_strings_for_plain_text()
  local text = "abcabcabd%"
  local buffer = holding(text)
  for _, what in ipairs { "", "a", "abd", "b%", "%", "x", text, "d%." } do
    for init = -12, 10 do
      lu.assertEquals({ buffer:find(what, init) },
        { text:find(what, init, true) }, what .. init)
    end
  end
end

function spec.test_consume_takes_from_the_front()
  local buffer = holding("abcdef")
  lu.assertEquals(buffer:consume(2), 2)
  lu.assertEquals(buffer:tostring(), "cdef")
  lu.assertEquals(buffer:consume(0), 0)
  lu.assertEquals(buffer:consume(9), 4)
  lu.assertEquals(#buffer, 0)
end

function spec.test_a_cleared_and_a_closed_buffer_can_be_used_again()
  local buffer = net.buffer(100)
  lu.assertEquals(#buffer:put("abc"):clear(), 0)
  lu.assertEquals(buffer:put("d"):tostring(), "d")
  buffer:close()
  lu.assertEquals(buffer:put("e"):tostring(), "e")
end

function spec.test_misuse()
  raises("a size cannot be negative", function() net.buffer(-1) end)
  local buffer = net.buffer()
  raises("bad argument #2 to 'put'", function() buffer:put("a", {}) end)
  lu.assertEquals(#buffer, 0)
  raises("a count cannot be negative", function() buffer:consume(-1) end)
  raises("bad argument #1 to 'find'", function() buffer:find({}) end)
  raises("no field 'skip'", function() buffer:skip(1) end)
  raises("miniloop.buffer expected", function() buffer.put(near, "x") end)
  raises("miniloop.buffer expected", function() near:recvinto("x") end)
  raises("miniloop.stream expected", function() near.recv(buffer) end)
  raises("at least one byte", function() near:recvinto(buffer, 0) end)
end

-- ------------------------------------------------------------------- recvinto

function spec.test_recvinto_appends_what_comes_and_tells_how_much()
  local buffer = holding("> ")
  far:write("abc")
  lu.assertEquals(near:recvinto(buffer), 3)
  lu.assertEquals(buffer:tostring(), "> abc")
end

function spec.test_recvinto_takes_no_more_than_it_is_told()
  local buffer = net.buffer()
  far:write("abcdef")
  lu.assertEquals(near:recvinto(buffer, 2), 2)
  lu.assertEquals(near:recv(1), "c")
  lu.assertEquals(near:recvinto(buffer), 3)
  lu.assertEquals(buffer:tostring(), "abdef")
end

function spec.test_recvinto_gives_what_was_read_ahead_first()
  local buffer = net.buffer()
  far:write("line\nrest")
  near:read("l")
  lu.assertEquals(near:recvinto(buffer, 2), 2)
  lu.assertEquals(near:recvinto(buffer), 2)
  lu.assertEquals(buffer:tostring(), "rest")
end

function spec.test_recvinto_waits_and_ends_as_recv_does()
  local buffer = net.buffer()
  local task = waiting(near.recvinto, near, buffer)
  far:write("x")
  lu.assertEquals(task:join(), 1)
  local n, err = near:recvinto(buffer, nil, 0)
  lu.assertNil(n)
  lu.assertEquals({ err.code, err.op }, { "ETIMEDOUT", "recvinto" })
  far:close()
  lu.assertEquals(table.pack(near:recvinto(buffer)), { n = 1 })
  lu.assertEquals(buffer:tostring(), "x")
end

function spec.test_a_buffer_that_shrinks_under_recvinto_is_filled_all_the_same()
  local buffer = holding(plenty)
  local task = waiting(near.recvinto, near, buffer)
  buffer:close()
  far:write("x")
  lu.assertEquals(task:join(), 1)
  lu.assertEquals(buffer:tostring(), "x")
end

function spec.test_a_killed_recvinto_takes_nothing()
  local buffer = net.buffer()
  waiting(near.recvinto, near, buffer):kill()
  far:write("kept")
  lu.assertEquals(near:read(4), "kept")
  lu.assertEquals(#buffer, 0)
end

-- ---------------------------------------------------------------------- write

function spec.test_write_takes_buffers_among_strings_and_leaves_them()
  local buffer = holding("bc")
  lu.assertTrue(near:write("a", buffer, 1, net.buffer(), buffer))
  lu.assertEquals(far:read(6), "abc1bc")
  lu.assertEquals(near:writesome(buffer), 2)
  lu.assertEquals(#buffer, 2)
end

function spec.test_a_large_buffer_goes_out_whole()
  local task = ml.spawn(near.write, near, "<", holding(plenty), ">")
  local got = far:read(#plenty + 2)
  lu.assertTrue(got == "<" .. plenty .. ">")
  lu.assertTrue(task:join())
end

-- Whoever changes what is being written would have it cut into two halves.
function spec.test_a_write_whose_buffer_is_changed_meanwhile_ends_with_ebusy()
  for name, change in pairs {
    put = function(buffer) buffer:put("x") end,
    clear = function(buffer) buffer:clear() end,
    consume = function(buffer) buffer:consume(1) end,
    close = function(buffer) buffer:close() end,
    recvinto = function(buffer)
      far:write("x")
      lu.assertEquals(near:recvinto(buffer), 1)
    end,
  } do
    local buffer = holding(plenty)
    local task = waiting(near.write, near, buffer)
    change(buffer)
    local rest = 0
    local reader = ml.spawn(function()
      repeat rest = rest + #far:recv() until false
    end)
    local ok, err = task:join()
    lu.assertNil(ok, name)
    lu.assertEquals(err.code, "EBUSY", name)
    lu.assertTrue(err.written < #plenty, name)
    while rest < err.written and reader:status() ~= "failed" do
      ml.sleep(0)
    end
    reader:kill()
    lu.assertEquals(rest, err.written, name)
  end
end

function spec.test_a_buffer_may_change_once_its_write_was_killed()
  local buffer = holding(plenty)
  waiting(near.write, near, buffer):kill()
  lu.assertEquals(#buffer:clear(), 0)
end

function spec.test_buffers_may_be_written_to_two_streams_at_once()
  local other, end_of_other = net.pair()
  local buffer = holding(plenty)
  local first = waiting(near.write, near, buffer)
  local second = waiting(other.write, other, buffer)
  lu.assertEquals(#far:read(#plenty), #plenty)
  lu.assertEquals(#end_of_other:read(#plenty), #plenty)
  lu.assertTrue(first:join())
  lu.assertTrue(second:join())
  other:close()
  end_of_other:close()
end

function spec.test_readers_into_buffers_take_turns()
  local first, second = net.buffer(), net.buffer()
  local one = waiting(near.recvinto, near, first)
  local two = waiting(near.recvinto, near, second)
  far:write("a")
  lu.assertEquals(one:join(), 1)
  far:write("b")
  lu.assertEquals(two:join(), 1)
  lu.assertEquals({ first:tostring(), second:tostring() }, { "a", "b" })
end

function spec.test_bounds_that_are_nil_are_none()
  local buffer = net.buffer()
  far:write("a")
  lu.assertEquals(near:recvinto(buffer, nil, nil), 1)
  far:write("b")
  lu.assertEquals(near:recv(nil, nil), "b")
end

return spec
