-- Packed messages, once it was agreed that there may be: RFC 7692, sections 6
-- and 7.2.

local lu = require "luaunit"
local cases = require "spec.support.frame_cases"
local core = require "miniloop.core"
local frames = require "spec.support.frames"
local ml = require "miniloop"
local websockets = require "spec.support.websockets"

local spec = {}

local alone = { keep_out = false, keep_in = false, bits = 15 }
local context = { keep_out = true, keep_in = true, bits = 15 }

-- A message packed by zlib, without what is left out at its end.
local function pack(data)
  local deflater <close> = assert(core.gzip.deflater("raw", 9))
  return deflater:write(data, "flush"):sub(1, -5)
end

local function text(data, options)
  return { "text", data, options or { rsv = 4 } }
end

local function part(data, fin, rsv)
  return { "continuation", data, { fin = fin, rsv = rsv } }
end

local first = { rsv = 4, fin = false }

-- The examples of 7.2.3, each "Hello".
local hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"
local examples = {
  { "in_one_frame", { text(hello) }, { "Hello" } },
  { "in_two_frames",
    { text(hello:sub(1, 3), first), part(hello:sub(4)) }, { "Hello" } },
  { "without_compression", { text "\x00\x05\x00\xfa\xffHello\x00" },
    { "Hello" } },
  { "with_a_final_block", { text "\xf3\x48\xcd\xc9\xc9\x07\x00\x00" },
    { "Hello" } },
  { "with_a_final_block_and_no_more", { text "\xf3\x48\xcd\xc9\xc9\x07\x00" },
    { "Hello" } },
  { "in_two_blocks",
    { text "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00" },
    { "Hello" } },
  { "twice", { text(hello), text(hello) }, { "Hello", "Hello" } },
  { "empty", { text "\x00" }, { "" } },
}
local again = {
  { "of_what_came_before", { text(hello), text "\xf2\x00\x11\x00\x00" },
    { "Hello", "Hello" } },
}
cases.add(spec, "example", examples, { deflate = true }, alone)
cases.add(spec, "example_with_a_context", examples, { deflate = true }, context)
cases.add(spec, "example_with_a_context", again, { deflate = true }, context)

local utf8_part = pack("\xC3\xA4"):sub(1, 2)
local bytes = ("\xC3\xA4"):rep(700)
local rules = {
  { "an_unpacked_message", { text("a", {}), text(hello), text("b", {}) },
    { "a", "Hello", "b" } },
  { "a_ping_in_between",
    { text(hello:sub(1, 2), first), { "ping", "x" }, part(hello:sub(3)) },
    { "Hello" } },
  { "binary_data", { { "binary", pack "\xFF\0", { rsv = 4 } } }, { "\xFF\0" } },
  { "characters_cut_by_frames", { text(utf8_part, first),
    part(pack("\xC3\xA4"):sub(3)) }, { "\xC3\xA4" } },
  { "the_bit_of_a_continuation",
    { text(hello:sub(1, 3), first), part(hello:sub(4), true, 4) }, {}, 1002 },
  { "the_bit_of_a_ping", { { "ping", "", { rsv = 4 } } }, {}, 1002 },
  { "the_bit_of_a_close", { { "close", "", { rsv = 4 } } }, {}, 1002 },
  { "another_bit", { text(hello, { rsv = 2 }) }, {}, 1002 },
  { "another_bit_as_well", { text(hello, { rsv = 6 }) }, {}, 1002 },
  { "no_utf8", { text(pack "a\xFF") }, {}, 1007 },
  { "a_character_cut_off", { text(pack "a\xC3") }, {}, 1007 },
  { "no_block", { text "\xFF\xFF\xFF" }, {}, 1007 },
  { "a_length_that_is_none", { text "\x00\x05\x00\x00\x00Hello" }, {}, 1007 },
  { "a_distance_too_far", { text "\xf2\x00\x11\x00\x00" }, {}, 1007 },
  { "cut_off_in_a_block", { text(hello:sub(1, 4)) }, {}, 1007 },
  { "nothing_at_all", { text "" }, {}, 1007 },
  { "nothing_behind_a_fault", { text "\xFF\xFF", text(hello), text("a", {}) },
    {}, 1007 },
}
cases.add(spec, "rule", rules, { deflate = true }, alone)
cases.add(spec, "rule_with_a_context", rules, { deflate = true }, context)

-- How large a message may be counts unpacked.
local limits = {
  { "just_fits", { text(pack(("a"):rep(1000))) }, { ("a"):rep(1000) } },
  { "a_byte_too_many", { text(pack(("a"):rep(1001))) }, {}, 1009 },
  { "each_counts_for_itself",
    { text(pack(("a"):rep(900))), text(pack(("b"):rep(900))) },
    { ("a"):rep(900), ("b"):rep(900) } },
  { "in_fragments", { text(pack(("a"):rep(3000)):sub(1, 3), first),
    part(pack(("a"):rep(3000)):sub(4)) }, {}, 1009 },
  { "packed_it_is_too_large_already",
    { { "binary", ("\0\0\0\xFF\xFF"):rep(300), { rsv = 4 } } }, {}, 1009 },
}
cases.add(spec, "limit", limits, { deflate = true, maxmessage = 1000 }, alone)

function spec.test_what_does_not_pack_is_not_too_large_for_that()
  local noise = {}
  for i = 1, 1000 do
    noise[i] = string.char(math.random(0, 255))
  end
  local data = table.concat(noise)
  lu.assertTrue(#pack(data) > 1000)
  cases.run({ "", { { "binary", pack(data), { rsv = 4 } } }, { data } },
    "server", false, { deflate = true, maxmessage = 1000 }, alone)
end

-- A gigabyte of nothing is a megabyte when it is packed.
function spec.test_a_bomb_is_cut_while_it_is_unpacked()
  local deflater <close> = assert(core.gzip.deflater("raw", 9))
  local zeros, bomb = ("\0"):rep(1 << 20), {}
  for i = 1, 100 do
    bomb[i] = deflater:write(zeros)
  end
  bomb[#bomb + 1] = deflater:write("", "flush"):sub(1, -5)
  collectgarbage()
  local before = collectgarbage "count"
  cases.run({ "", { { "binary", table.concat(bomb), { rsv = 4 } } }, {}, 1009 },
    "server", false, { deflate = true }, alone)
  lu.assertTrue(collectgarbage "count" - before < 8 * 1024)
end

function spec.test_nothing_is_packed_that_was_not_agreed_on()
  cases.run({ "", { text(hello) }, {}, 1002 }, "server", false,
    { deflate = true })
end

-- ---------------------------------------------------------------- what is sent

local function unpack(data)
  local inflater <close> = assert(core.gzip.inflater "raw")
  inflater:feed(data .. "\0\0\xFF\xFF")
  local pieces = {}
  for piece in inflater.next, inflater do
    pieces[#pieces + 1] = piece
  end
  return table.concat(pieces)
end

local function sent(options, agreement, data, kind)
  local ws, far = websockets.pair(options, "server", nil, agreement)
  local task = ml.spawn(ws.send, ws, data, kind)
  local list = {}
  repeat
    list[#list + 1] = assert(frames.read(far))
  until list[#list].fin
  lu.assertEquals({ task:wait() }, { true, true })
  far:close()
  return list
end

function spec.test_a_message_is_packed_from_a_size_on()
  for size, rsv in pairs { [0] = 0, [1023] = 0, [1024] = 4, [100000] = 4 } do
    local list = sent({ deflate = true }, alone, ("x"):rep(size))
    lu.assertEquals(list[1].rsv, rsv, size)
    local data = rsv == 4 and unpack(list[1].data) or list[1].data
    lu.assertTrue(data == ("x"):rep(size))
  end
  local list = sent({ deflate = { least = 0 } }, alone, "")
  lu.assertEquals({ list[1].rsv, list[1].data }, { 0, "" })
end

function spec.test_only_the_first_of_its_frames_has_the_bit()
  local list = sent({ deflate = true, fragment = 10 }, alone, bytes)
  local whole = {}
  for i, frame in ipairs(list) do
    lu.assertEquals(frame.rsv, i == 1 and 4 or 0)
    whole[i] = frame.data
  end
  lu.assertTrue(#list > 1)
  lu.assertEquals(unpack(table.concat(whole)), bytes)
end

function spec.test_what_becomes_no_smaller_goes_as_it_is()
  local noise = {}
  for i = 1, 2000 do
    noise[i] = string.char(math.random(0, 255))
  end
  local data = table.concat(noise)
  local list = sent({ deflate = true }, alone, data, "binary")
  lu.assertEquals(list[1].rsv, 0)
  lu.assertTrue(list[1].data == data)
end

function spec.test_a_window_that_zlib_has_not_packs_nothing()
  local small = { keep_out = false, keep_in = false, bits = 8 }
  lu.assertEquals(sent({ deflate = true }, small, bytes)[1].rsv, 0)
  small.bits = 9
  lu.assertEquals(sent({ deflate = true }, small, bytes)[1].rsv, 4)
end

-- Two ends whose messages build on each other, and on those that are too small
-- to be packed.
function spec.test_a_context_goes_on()
  local options = { deflate = { context = true, least = 10 } }
  local near, far = websockets.both(options, context)
  local sizes = {}
  for i, data in ipairs { bytes, "small", bytes, "\xC3\xA4", bytes } do
    local before = near.output.sent
    local task = ml.spawn(near.send, near, data)
    lu.assertEquals(far:recv(), data)
    lu.assertEquals({ task:wait() }, { true, true })
    sizes[i] = near.output.sent - before
  end
  lu.assertTrue(sizes[3] <= sizes[1])
  ml.spawn(far.close, far)
  near:close()
end

-- C3.6: a sender that is killed has not sent what it had to send; then nothing
-- that follows builds on it.
function spec.test_a_message_that_was_packed_in_vain_spoils_no_other()
  local near, far = websockets.both({ deflate = { context = true } }, context)
  local packing = near.packing
  lu.assertNotNil(packing:pack(bytes)) -- and never `sent`
  for _ = 1, 2 do
    local task = ml.spawn(near.send, near, bytes)
    lu.assertEquals(far:recv(), bytes)
    lu.assertEquals({ task:wait() }, { true, true })
  end
  ml.spawn(far.close, far)
  near:close()
end

function spec.test_a_connection_that_is_closed_holds_nothing_of_zlib()
  local near, far = websockets.both({ deflate = { context = true } }, context)
  local task = ml.spawn(near.send, near, bytes)
  lu.assertEquals(far:recv(), bytes)
  task:wait()
  local deflater, inflater = near.packing.deflater, far.packing.inflater
  local closer = ml.spawn(near.close, near)
  lu.assertNil(far:recv())
  closer:wait()
  lu.assertStrContains(select(2, pcall(deflater.write, deflater, "")), "closed")
  lu.assertStrContains(select(2, pcall(inflater.next, inflater)), "closed")
end

return spec
