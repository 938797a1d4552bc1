-- miniloop.gzip: both ways, whole and in pieces, against gzip and python3.

local command = require "spec.support.command"
local gzip = require "miniloop.gzip"
local lu = require "luaunit"
local raises = require "spec.support.raises"

local spec = {}

local text = ("The quick brown fox jumps over the lazy dog. "):rep(5000)

local function noise(n)
  local bytes = {}
  math.randomseed(7)
  for i = 1, n do
    bytes[i] = string.char(math.random(0, 255))
  end
  return table.concat(bytes)
end

function spec.test_what_is_packed_can_be_unpacked()
  for _, data in ipairs { "", "x", text, noise(100000) } do
    for _, format in ipairs { "gzip", "deflate", "raw" } do
      for _, level in ipairs { 0, 1, 9 } do
        local packed = gzip.compress(data, { format = format, level = level })
        lu.assertTrue(gzip.decompress(packed, { format = format }) == data)
      end
    end
  end
  lu.assertTrue(#gzip.compress(text) < #text / 100)
end

-- What a program makes of a file.
local function filter(line, data)
  return command.with_file(data, function(path)
    local output <close> = assert(io.popen(line .. " < " .. path))
    return output:read("a")
  end)
end

function spec.test_other_programs_agree()
  lu.assertTrue(filter("gzip -dc", gzip.compress(text)) == text)
  lu.assertTrue(gzip.decompress(filter("gzip -9", text)) == text)
  local python = "python3 -c 'import sys, zlib; sys.stdout.buffer.write("
    .. "zlib.%s(sys.stdin.buffer.read()))'"
  lu.assertTrue(filter(python:format "decompress",
    gzip.compress(text, { format = "deflate" })) == text)
  lu.assertTrue(gzip.decompress(filter(python:format "compress", text),
    { format = "deflate" }) == text)
end

-- Unpacks in pieces of that size; gives the bytes, or nil and the error, and
-- whether it was complete.
local function in_pieces(packed, size)
  local inflater <close> = gzip.inflater()
  local out = {}
  for at = 1, #packed, size do
    inflater:feed(packed:sub(at, at + size - 1))
    local piece, err = inflater:next()
    while piece do
      lu.assertTrue(#piece > 0 and #piece <= 16384)
      out[#out + 1] = piece
      piece, err = inflater:next()
    end
    if err then
      return nil, err
    end
  end
  return table.concat(out), nil, inflater:ended()
end

function spec.test_bytes_may_come_in_any_pieces()
  local packed = gzip.compress(text)
  for _, size in ipairs { 1, 2, 7, 100, #packed } do
    local data, _, ended = in_pieces(packed, size)
    lu.assertTrue(data == text)
    lu.assertTrue(ended)
  end
  local _, _, ended = in_pieces(packed:sub(1, -2), 50)
  lu.assertFalse(ended)
end

function spec.test_messages_may_follow_each_other()
  local packed = gzip.compress("one ") .. gzip.compress("")
    .. gzip.compress("two")
  lu.assertEquals(gzip.decompress(packed), "one two")
  lu.assertEquals((in_pieces(packed, 1)), "one two")
end

function spec.test_pieces_can_be_packed_and_flushed()
  local deflater <close> = gzip.deflater("gzip", 9)
  local inflater <close> = gzip.inflater()
  for _, piece in ipairs { "first", "second", "" } do
    inflater:feed(deflater:write(piece, "flush"))
    lu.assertEquals(inflater:next() or "", piece)
    lu.assertNil(inflater:next())
  end
  inflater:feed(deflater:write("third", "finish"))
  lu.assertEquals(inflater:next(), "third")
  lu.assertNil(inflater:next())
  lu.assertTrue(inflater:ended())
  raises("it is closed", function() deflater:write("x") end)
end

function spec.test_bad_bytes_are_refused()
  local packed = gzip.compress(text)
  local spoilt = packed:sub(1, 20) .. "\0\0\0\0" .. packed:sub(25)
  for _, data in ipairs {
    "x", "no gzip at all", "\x1f\x8b\x09", spoilt, packed .. "rest",
    packed:sub(1, -9) .. "\1\2\3\4" .. packed:sub(-4),
  } do
    local bytes, err = gzip.decompress(data)
    lu.assertNil(bytes)
    lu.assertEquals({ err.code, err.op }, { "EBADMSG", "inflate" })
  end
  for _, data in ipairs { "", packed:sub(1, -2), packed:sub(1, 12) } do
    local _, err = gzip.decompress(data)
    lu.assertEquals(err.reason, "the message is cut off")
  end
  local _, err = gzip.decompress(packed, { format = "deflate" })
  lu.assertEquals(err.code, "EBADMSG")
end

function spec.test_any_single_bad_byte_is_seen_or_harmless()
  local packed = gzip.compress("hello hello hello")
  for at = 11, #packed do -- behind the head, whose time may be anything
    for _, bit in ipairs { 1, 16, 128 } do
      local data = packed:sub(1, at - 1) .. string.char(packed:byte(at) ~ bit)
        .. packed:sub(at + 1)
      local bytes = gzip.decompress(data)
      lu.assertTrue(bytes == nil or bytes == "hello hello hello")
    end
  end
end

function spec.test_a_bomb_is_stopped_at_the_limit()
  local bomb = gzip.compress(("\0"):rep(20 * 1024 * 1024))
  lu.assertTrue(#bomb < 30000)
  local bytes, err = gzip.decompress(bomb, { max = 1000000 })
  lu.assertNil(bytes)
  lu.assertEquals({ err.code, err.reason },
    { "EMSGSIZE", "more than 1000000 bytes" })
end

function spec.test_wrong_use_raises()
  raises("no format 'zip'",
    function() gzip.compress("x", { format = "zip" }) end)
  raises("(an integer from 0 to 9)",
    function() gzip.compress("x", { level = 10 }) end)
  raises("bad argument #1 to 'compress' (string expected, got nil)",
    function() gzip.compress(nil) end)
  local inflater <close> = gzip.inflater()
  inflater:feed(gzip.compress(text))
  raises("the last ones are not read yet", function() inflater:feed("x") end)
  inflater:close()
  raises("it is closed", function() inflater:next() end)
  inflater:close()
end

function spec.test_a_part_that_was_flushed_ends_between_two_blocks()
  local deflater <close> = gzip.deflater "raw"
  local inflater <close> = gzip.inflater "raw"
  local part = deflater:write(text, "flush")
  inflater:feed(part:sub(1, -10))
  while inflater:next() do
    lu.assertFalse(inflater:between())
  end
  lu.assertFalse(inflater:between())
  inflater:feed(part:sub(-9))
  while inflater:next() do end
  lu.assertTrue(inflater:between())
  lu.assertFalse(inflater:ended())
end

function spec.test_one_that_is_reset_has_forgotten_all()
  local deflater <close> = gzip.deflater "raw"
  local inflater <close> = gzip.inflater "raw"
  local first = deflater:write(text, "flush")
  lu.assertTrue(#deflater:write(text, "flush") < #first) -- it knows that
  inflater:feed "\xFF\xFF"
  lu.assertNil((inflater:next()))
  for _ = 1, 2 do
    deflater:reset()
    inflater:reset()
    lu.assertEquals(deflater:write(text, "flush"), first)
    inflater:feed(first)
    lu.assertEquals(inflater:next(), text:sub(1, 16384))
  end
end

function spec.test_a_small_window_sees_less_far()
  local far = noise(2000)
  local sizes = {}
  for bits = 9, 15 do
    local deflater <close> = gzip.deflater("raw", 9, bits)
    local packed = deflater:write(far .. far, "finish")
    sizes[bits] = #packed
    lu.assertEquals(gzip.decompress(packed, { format = "raw" }), far .. far)
  end
  lu.assertTrue(sizes[9] > 4000 and sizes[15] < 2300)
  raises("9 to 15 bits", function() gzip.deflater("raw", 6, 8) end)
end

-- RFC 1950, 2.2: there is no way to give one.
function spec.test_what_was_packed_with_a_dictionary_is_refused()
  local value, err = gzip.decompress("\x78\xbb\0\0\0\1\3\0",
    { format = "deflate" })
  lu.assertNil(value)
  lu.assertEquals(err.reason, "it needs a dictionary")
end

return spec
