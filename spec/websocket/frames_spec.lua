-- What a WebSocket makes of its peer's frames: RFC 6455, sections 5 to 8, by
-- families as the Autobahn suite has them.

local lu = require "luaunit"
local cases = require "spec.support.frame_cases"
local frames = require "spec.support.frames"
local ml = require "miniloop"
local websockets = require "spec.support.websockets"

local spec = {}

-- ------------------------------------------------------------------ the cases

local function text(data, options)
  return { "text", data, options }
end

local function part(data, fin)
  return { "continuation", data, { fin = fin } }
end

local function closing(code, reason)
  return { "close", code and frames.code(code, reason) or "" }
end

local first = { fin = false }

-- The rules that hold for every frame.
local framing = {
  { "an_empty_text", { text "" }, { "" } },
  { "a_text", { text "hello" }, { "hello" } },
  { "three_texts_at_once", { text "a", text "b", text "c" },
    { "a", "b", "c" } },
  { "binary_data", { { "binary", "\0\255\254" } }, { "\0\255\254" } },
  { "reserved_bit_1", { text("a", { rsv = 4 }) }, {}, 1002 },
  { "reserved_bit_2", { text("a", { rsv = 2 }) }, {}, 1002 },
  { "reserved_bit_3", { text("a", { rsv = 1 }) }, {}, 1002 },
  { "all_reserved_bits", { text("a", { rsv = 7 }) }, {}, 1002 },
  { "a_reserved_bit_of_a_ping", { { "ping", "", { rsv = 4 } } }, {}, 1002 },
  { "a_reserved_bit_of_a_close", { { "close", "", { rsv = 1 } } }, {}, 1002 },
  { "a_reserved_bit_behind_a_text", { text "a", text("b", { rsv = 4 }) },
    { "a" }, 1002 },
  { "a_reserved_bit_of_a_continuation",
    { text("a", first), { "continuation", "b", { rsv = 4 } } }, {}, 1002 },
}

for n = 3, 7 do
  table.insert(framing, { "opcode_" .. n, { { n, "a" } }, {}, 1002 })
end
for n = 11, 15 do
  table.insert(framing, { "opcode_" .. n, { { n, "" } }, {}, 1002 })
  table.insert(framing, { ("opcode_%d_in_a_message"):format(n),
    { text("a", first), { n, "" }, part "b" }, {}, 1002 })
end
for _, n in ipairs {
  1, 124, 125, 126, 127, 128, 4095, 4096, 4097, 65535, 65536, 65537,
} do
  table.insert(framing, { ("a_text_of_%d_bytes"):format(n),
    { text(("*"):rep(n)) }, { ("*"):rep(n) } })
  table.insert(framing, { ("binary_data_of_%d_bytes"):format(n),
    { { "binary", ("\xFE"):rep(n) } }, { ("\xFE"):rep(n) } })
end

-- Section 5.2: the shortest way to write a length is the only one.
local lengths = {
  { "a_short_length_in_16_bits", { text("hello", { size = 16 }) }, {}, 1002 },
  { "a_length_of_0_in_16_bits", { text("", { size = 16 }) }, {}, 1002 },
  { "a_length_of_125_in_16_bits", { text(("a"):rep(125), { size = 16 }) }, {},
    1002 },
  { "a_short_length_in_64_bits", { text("hello", { size = 64 }) }, {}, 1002 },
  { "a_length_of_65535_in_64_bits", { text(("a"):rep(65535), { size = 64 }) },
    {}, 1002 },
  { "a_negative_length", { text("a", { size = 64, length = -1 }) }, {}, 1002 },
  { "the_largest_length",
    { text("a", { size = 64, length = math.maxinteger }) }, {}, 1009 },
}

-- Section 5.5.
local control = {
  { "a_ping_of_125_bytes", { { "ping", ("p"):rep(125) }, text "a" }, { "a" } },
  { "a_ping_of_126_bytes", { { "ping", ("p"):rep(126) } }, {}, 1002 },
  { "a_pong_of_126_bytes", { { "pong", ("p"):rep(126) } }, {}, 1002 },
  { "a_close_of_126_bytes", { closing(1000, ("r"):rep(124)) }, {}, 1002 },
  { "a_ping_in_fragments", { { "ping", "a", first }, part "b" }, {}, 1002 },
  { "a_pong_in_fragments", { { "pong", "a", first }, part "b" }, {}, 1002 },
  { "a_close_in_fragments", { { "close", "", first } }, {}, 1002 },
  { "a_pong_that_nobody_asked_for", { { "pong", "x" }, text "a" }, { "a" } },
  { "ten_pings", { { "ping", "1" }, { "ping", "2" }, { "ping", "3" },
    { "ping", "4" }, { "ping", "5" }, { "ping", "6" }, { "ping", "7" },
    { "ping", "8" }, { "ping", "9" }, { "ping", "10" }, text "a" }, { "a" } },
}

-- Section 5.4.
local fragments = {
  { "two_fragments", { text("a", first), part "b" }, { "ab" } },
  { "many_fragments", { text("a", first), part("b", false), part("", false),
    part("c", false), part "d" }, { "abcd" } },
  { "empty_fragments", { text("", first), part("", false), part "" }, { "" } },
  { "an_empty_last_fragment", { text("a", first), part "" }, { "a" } },
  { "an_empty_first_fragment", { text("", first), part "a" }, { "a" } },
  { "binary_fragments", { { "binary", "\xFF", first }, part "\xFE" },
    { "\xFF\xFE" } },
  { "large_fragments", { text(("a"):rep(70000), first),
    part(("b"):rep(5000), false), part(("c"):rep(70000)) },
    { ("a"):rep(70000) .. ("b"):rep(5000) .. ("c"):rep(70000) } },
  { "a_ping_between_fragments",
    { text("a", first), { "ping", "x" }, part "b" }, { "ab" } },
  { "pongs_between_fragments",
    { text("a", first), { "pong", "x" }, { "pong", "y" }, part "b" },
    { "ab" } },
  { "a_close_between_fragments", { text("a", first), closing(1000) }, {},
    1000 },
  { "a_continuation_of_nothing", { part "a" }, {}, 1002 },
  { "an_unfinished_continuation_of_nothing", { part("a", false) }, {}, 1002 },
  { "a_continuation_behind_a_text", { text "a", part "b" }, { "a" }, 1002 },
  { "a_text_in_a_text", { text("a", first), text "b" }, {}, 1002 },
  { "binary_data_in_a_text", { text("a", first), { "binary", "b" } }, {},
    1002 },
  { "two_messages_in_fragments", { text("a", first), part "b",
    { "binary", "c", first }, part "d" }, { "ab", "cd" } },
}

-- Section 8.1.
local utf8_texts = {
  good = {
    greek = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5",
    one_byte = "\x00\x7f",
    two_bytes = "\xc2\x80\xdf\xbf",
    three_bytes = "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",
    four_bytes = "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
    no_characters = "\xef\xbf\xbe\xef\xbf\xbf\xf0\x9f\xbf\xbe",
    long_with_one = ("a"):rep(5000) .. "\xf0\x9f\x98\x80" .. ("b"):rep(5000),
  },
  bad = {
    a_surrogate = "\xed\xa0\x80",
    a_pair_of_surrogates = "\xed\xa0\xbd\xed\xb8\x80",
    too_long_a_form = "\xc0\xaf",
    too_long_a_form_of_three = "\xe0\x80\xaf",
    too_long_a_form_of_four = "\xf0\x80\x80\xaf",
    above_the_last = "\xf4\x90\x80\x80",
    five_bytes = "\xf8\x88\x80\x80\x80",
    a_tail_alone = "\x80",
    no_tail = "\xc3(",
    cut_off = "\xe2\x82",
    fe = "\xfe", ff = "\xff",
    greek_then_bad = "\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80edited",
  },
}
local utf8_cases = {
  { "a_character_in_two_fragments",
    { text("\xce", first), part "\xba" }, { "\xce\xba" } },
  { "a_character_in_four_fragments", { text("\xf0", first), part("\x9f", false),
    part("\x98", false), part "\x80" }, { "\xf0\x9f\x98\x80" } },
  { "a_ping_in_a_character",
    { text("\xce", first), { "ping", "" }, part "\xba" }, { "\xce\xba" } },
  { "a_bad_second_fragment", { text("a", first), part("\xff", false) }, {},
    1007 },
  { "a_cut_character_at_the_end_of_fragments",
    { text("a", first), part "\xce" }, {}, 1007 },
  { "a_cut_character_does_not_reach_the_next_text",
    { text "\xce", text "\xba" }, {}, 1007 },
  { "bad_bytes_as_binary_data", { { "binary", "\xff\xce" } }, { "\xff\xce" } },
  { "a_good_text_behind_binary_data_that_is_cut",
    { { "binary", "\xce" }, text "a" }, { "\xce", "a" } },
  { "bytes_of_a_ping_are_no_text", { { "ping", "\xff" }, text "a" }, { "a" } },
}
for name, data in pairs(utf8_texts.good) do
  table.insert(utf8_cases, { "good_" .. name, { text(data) }, { data } })
  table.insert(utf8_cases, { "good_reason_" .. name,
    { closing(1000, data:sub(1, 15):match(utf8.charpattern)) }, {}, 1000 })
end
for name, data in pairs(utf8_texts.bad) do
  table.insert(utf8_cases, { "bad_" .. name, { text(data) }, {}, 1007 })
  table.insert(utf8_cases, { "bad_reason_" .. name, { closing(1000, data) }, {},
    1007 })
end

-- Sections 5.5.1 and 7.4.
local closings = {
  { "a_close_without_a_code", { closing() }, {}, 1005 },
  { "a_close_of_one_byte", { { "close", "\3" } }, {}, 1002 },
  { "a_close_with_a_long_reason", { closing(1000, ("r"):rep(123)) }, {}, 1000 },
  { "a_text_behind_a_close", { closing(1000), text "a" }, {}, 1000 },
  { "a_ping_behind_a_close", { closing(1000), { "ping", "a" } }, {}, 1000 },
  { "two_closes", { closing(1000), closing(1001) }, {}, 1000 },
  { "a_fault_behind_a_close", { closing(1000), "\xff\xff" }, {}, 1000 },
}
for _, code in ipairs {
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000,
  3999, 4000, 4999,
} do
  table.insert(closings, { "code_" .. code, { closing(code, "why") }, {},
    code })
end
for _, code in ipairs {
  0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
} do
  table.insert(closings, { "code_" .. code, { closing(code) }, {}, 1002 })
end

local close_code, receive_all = cases.close_code, cases.receive_all

local function add(family, list, options)
  cases.add(spec, family, list, options)
end

add("framing", framing)
add("length", lengths)
add("control", control)
add("fragments", fragments)
add("utf8", utf8_cases)
add("close", closings)

-- Limits of bytes; a control frame is not counted.
add("limit", {
  { "just_fits", { text(("a"):rep(1000)) }, { ("a"):rep(1000) } },
  { "a_byte_too_many", { text(("a"):rep(1001)) }, {}, 1009 },
  { "fragments_just_fit", { text(("a"):rep(500), first), part(("a"):rep(500)) },
    { ("a"):rep(1000) } },
  { "fragments_have_a_byte_too_many",
    { text(("a"):rep(500), first), part(("a"):rep(501)) }, {}, 1009 },
  { "each_message_counts_for_itself",
    { text(("a"):rep(900)), text(("a"):rep(900)) },
    { ("a"):rep(900), ("a"):rep(900) } },
  { "a_ping_is_no_message", { text(("a"):rep(950), first),
    { "ping", ("p"):rep(100) }, part(("a"):rep(50)) }, { ("a"):rep(1000) } },
}, { maxmessage = 1000 })

add("frame_limit", {
  { "just_fits", { text(("a"):rep(300)) }, { ("a"):rep(300) } },
  { "a_byte_too_many", { text(("a"):rep(301)) }, {}, 1009 },
  { "many_frames", { text(("a"):rep(300), first), part(("a"):rep(300)) },
    { ("a"):rep(600) } },
}, { maxframe = 300 })

add("limit_of_nothing", {
  { "an_empty_message", { text "" }, { "" } },
  { "a_byte", { text "a" }, {}, 1009 },
}, { maxmessage = 0 })

function spec.test_a_message_may_have_a_mebibyte_unless_told_otherwise()
  local large = ("a"):rep(1 << 20)
  cases.run({ "", { text(large) }, { large } }, "server", false)
  cases.run({ "", { text(large .. "a") }, {}, 1009 }, "server", false)
end

-- ------------------------------------------------------------------- masking

-- Section 5.1: the client masks, the server does not.
function spec.test_a_client_that_does_not_mask_is_told_1002()
  local ws, far = websockets.pair({}, "server")
  far:write(frames.make("text", "a"))
  local task = ml.spawn(function()
    local _ <close> = far
    return close_code(far)
  end)
  local _, err = receive_all(ws)
  lu.assertEquals({ task:wait() }, { true, 1002 })
  lu.assertEquals(err.code, "EPROTO")
  lu.assertStrContains(err.reason, "masked")
end

function spec.test_a_server_that_masks_is_told_1002()
  local ws, far = websockets.pair({}, "client")
  far:write(websockets.masked("text", "a"))
  local closer = ml.spawn(function()
    lu.assertEquals(close_code(far), 1002)
    far:close()
  end)
  local _, err = receive_all(ws)
  lu.assertEquals(err.code, "EPROTO")
  lu.assertTrue(closer:wait())
end

function spec.test_a_client_masks_each_frame_with_another_key()
  local ws, far = websockets.pair({}, "client")
  local seen = {}
  for _ = 1, 100 do
    assert(ws:send("\0\0\0\0", "binary"))
    local head = far:read(2)
    lu.assertEquals(head, "\x82\x84")
    local key = far:read(4)
    lu.assertEquals(far:read(4), key) -- zeros become the key
    seen[key] = true
  end
  local n = 0
  for _ in pairs(seen) do
    n = n + 1
  end
  lu.assertTrue(n >= 99)
  far:close()
end

function spec.test_a_server_does_not_mask()
  local ws, far = websockets.pair({}, "server")
  assert(ws:send "hello")
  lu.assertEquals(frames.read(far),
    { kind = "text", data = "hello", fin = true, rsv = 0, masked = false })
  far:close()
end

-- ---------------------------------------------------------------- what is sent

function spec.test_lengths_are_written_in_the_shortest_way()
  for _, role in ipairs { "server", "client" } do
    local ws, far = websockets.pair({}, role)
    for _, n in ipairs { 0, 1, 125, 126, 65535, 65536, 100000 } do
      local data = ("d"):rep(n)
      local task = ml.spawn(ws.send, ws, data, "binary")
      local frame = frames.read(far)
      lu.assertTrue(frame.data == data)
      lu.assertEquals(frame.kind, "binary")
      lu.assertEquals(frame.masked, role == "client")
      lu.assertEquals({ task:wait() }, { true, true })
    end
    far:close()
  end
end

function spec.test_a_message_is_split_where_the_option_says()
  local ws, far = websockets.pair { fragment = 3 }
  for data, parts in pairs {
    [""] = { "" }, ["abc"] = { "abc" }, ["abcd"] = { "abc", "d" },
    ["abcdefgh"] = { "abc", "def", "gh" }, ["abcdef"] = { "abc", "def" },
  } do
    assert(ws:send(data))
    for i, expected in ipairs(parts) do
      local frame = frames.read(far)
      lu.assertEquals(frame.data, expected)
      lu.assertEquals(frame.kind, i == 1 and "text" or "continuation")
      lu.assertEquals(frame.fin, i == #parts)
    end
  end
  far:close()
end

function spec.test_what_one_end_sends_the_other_receives()
  for _, options in ipairs { {}, { fragment = 1 }, { fragment = 4096 } } do
    local server, client = websockets.both(options)
    for _, n in ipairs { 0, 1, 2, 125, 126, 4096, 4097, 66000 } do
      local data = ("\xC3\xA4"):rep(n // 2) .. (n % 2 == 1 and "a" or "")
      for from, to in pairs { [server] = client, [client] = server } do
        local task = ml.spawn(from.send, from, data)
        local got, kind = to:recv()
        lu.assertTrue(got == data)
        lu.assertEquals(kind, "text")
        lu.assertEquals({ task:wait() }, { true, true })
      end
    end
    local task = ml.spawn(server.close, server)
    lu.assertNil(client:recv())
    lu.assertEquals({ task:wait() }, { true, true })
  end
end

-- Section 5.5.2 and 5.5.3.
function spec.test_a_ping_is_answered_with_its_own_data()
  local ws, far = websockets.pair()
  local reader = ml.spawn(ws.recv, ws)
  for _, data in ipairs { "", "x", ("p"):rep(125), "\0\255" } do
    far:write(websockets.masked("ping", data))
    local frame = frames.read(far)
    lu.assertEquals(frame.kind, "pong")
    lu.assertEquals(frame.data, data)
  end
  reader:kill()
  far:close()
end

return spec
