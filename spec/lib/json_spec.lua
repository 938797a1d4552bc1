-- miniloop.json: RFC 8259 both ways, and what JSON has no form for.

local json = require "miniloop.json"
local lu = require "luaunit"
local ml = require "miniloop"
local raises = require "spec.support.raises"

local spec = {}

local function assert_same(value, expected)
  lu.assertEquals(value, expected)
  lu.assertEquals(math.type(value), math.type(expected))
end

-- ------------------------------------------------------------------ decode

function spec.test_values_become_those_of_lua()
  assert_same(json.decode "17", 17)
  assert_same(json.decode "-0", 0)
  assert_same(json.decode "17.0", 17.0)
  assert_same(json.decode "1e2", 100.0)
  assert_same(json.decode "9223372036854775807", math.maxinteger)
  assert_same(json.decode "-9223372036854775808", math.mininteger)
  lu.assertIs(json.decode "null", json.null)
  lu.assertEquals(json.decode ' [true, false, {"a": [], "": "x"}] ',
    { true, false, { a = {}, [""] = "x" } })
  lu.assertEquals(json.decode [["\u00e9\ud83d\ude00\u0000\n\/"]],
    "é😀\0\n/")
end

function spec.test_null_is_a_value_of_its_own()
  lu.assertEquals(tostring(json.null), "null")
  local value = json.decode '[null, 1]'
  lu.assertIs(value[1], json.null)
  lu.assertEquals(#value, 2)
end

-- C2.1, C2.2
function spec.test_bad_text_is_told_with_line_and_column()
  local bad = {
    ["[1,\n 2,}"] = { "EBADMSG", 2, 4 },
    [""] = { "EBADMSG", 1, 0 },
    ["[1] x"] = { "EBADMSG", 1, 5 },
    ["nul"] = { "EBADMSG", 1, 3 },
    ["\"\xff\""] = { "EILSEQ", 1, 1 },
    ["\n\n\"\xed\xa0\x80\""] = { "EILSEQ", 3, 1 },
    ["[9223372036854775808]"] = { "ERANGE", 1, 20 },
    ["1e999"] = { "ERANGE", 1, 5 },
  }
  for text, expected in pairs(bad) do
    local value, err = json.decode(text)
    lu.assertNil(value, text)
    lu.assertTrue(ml.iserror(err))
    lu.assertEquals({ err.code, err.line, err.column }, expected, text)
    lu.assertEquals(err.op, "decode")
    lu.assertStrContains(err.reason, ("line %d, column %d: ")
      :format(err.line, err.column))
  end
end

function spec.test_what_the_rfc_does_not_have_is_refused()
  for _, text in ipairs {
    "[1,]", "{,}", "{'a':1}", "{a:1}", "[01]", "[+1]", "[.5]", "[1.]", "[1e]",
    "[0x1]", "NaN", "Infinity", "[-]", "[\"\t\"]", "[\"\\x\"]", "[\"\\u12\"]",
    "[\"\\ud800\"]", "// x\n1", "[1]]", "{\"a\" 1}", "{\"a\":}",
    "\xef\xbb\xbf1",
    "[1 2]", "True", "\"", "[\"\\u0000\"", "{\"\\u0000\":1}", "\0", "[1\0]",
    "\xff\xfe1\0", "tru\xc3", "[\"\xc0\x80\"]", "[\"\xf4\x90\x80\x80\"]",
  } do
    local value, err = json.decode(text)
    lu.assertNil(value, text)
    lu.assertTrue(ml.iserror(err), text)
  end
end

function spec.test_hostile_depth_is_refused_before_it_takes_any_stack()
  lu.assertEquals(json.decode(("["):rep(3) .. ("]"):rep(3)), { { {} } })
  lu.assertNotNil(json.decode(("["):rep(512) .. ("]"):rep(512)))
  for _, open in ipairs { "[", '{"a":' } do
    local _, err = json.decode(open:rep(1000000))
    lu.assertEquals({ err.code, err.line }, { "ERANGE", 1 })
    lu.assertStrContains(err.reason, "nested deeper than 512 levels")
  end
  local _, err = json.decode("[\n[[1]]]", { depth = 2 })
  lu.assertEquals({ err.line, err.column }, { 2, 2 })
  lu.assertEquals(json.decode('["[[[\\"[["]', { depth = 1 }), { '[[["[[' })
  local deep = ("["):rep(2000) .. ("]"):rep(2000)
  lu.assertEquals(json.encode(json.decode(deep, { depth = 2000 }),
    { depth = 2000 }), deep)
end

function spec.test_the_last_of_two_members_counts_unless_they_are_refused()
  local text = '{"a": 1, "b": 2, "a": 3}'
  lu.assertEquals(json.decode(text), { a = 3, b = 2 })
  local _, err = json.decode(text, { unique = true })
  lu.assertEquals(err.code, "EBADMSG")
  lu.assertStrContains(err.reason, "duplicate")
end

function spec.test_numbers_of_any_size_can_be_floats()
  lu.assertEquals(json.decode("[18446744073709551616, 1]", { floats = true }),
    { 2.0 ^ 64, 1.0 })
end

-- ------------------------------------------------------------------ encode

function spec.test_lua_s_values_become_text()
  local texts = {
    ["17"] = 17, ["17.0"] = 17.0, ["-0.0"] = -0.0, ["0.1"] = 0.1,
    ["1e+300"] = 1e300, ["0.3333333333333333"] = 1 / 3,
    ["-9223372036854775808"] = math.mininteger, ["true"] = true,
    ["null"] = json.null, ["[1,2]"] = { 1, 2 }, ["{}"] = {},
    ["[]"] = json.array(), ['{"a":{"b":[]}}'] = { a = { b = json.array {} } },
    ['"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f é😀"'] =
      '"\\/\b\f\n\r\t\0\x1f\x7f é😀',
  }
  for text, value in pairs(texts) do
    lu.assertEquals(json.encode(value), text)
  end
  lu.assertEquals(json.encode(nil), "null")
end

function spec.test_numbers_are_read_as_they_were()
  math.randomseed(42)
  for _ = 1, 2000 do
    local x = string.unpack("d", string.pack("I8", math.random(0)))
    if x == x and math.abs(x) < math.huge then
      assert_same(json.decode(json.encode(x)), x)
    end
    local i = math.random(0)
    assert_same(json.decode(json.encode(i)), i)
  end
end

function spec.test_empty_arrays_stay_arrays()
  lu.assertEquals(json.encode(json.decode '{"a":[],"b":{}}', { sort = true }),
    '{"a":[],"b":{}}')
  local list = json.decode "[1]"
  table.remove(list)
  lu.assertEquals(json.encode(list), "[]")
  lu.assertTrue(json.isarray(list))
  lu.assertFalse(json.isarray {})
  lu.assertFalse(json.isarray "x")
end

function spec.test_text_can_be_laid_out_and_sorted()
  lu.assertEquals(json.encode({ b = { 1, {} }, a = json.array(), ["a\0"] = 1 },
    { indent = 2, sort = true }),
    '{\n  "a": [],\n  "a\\u0000": 1,\n  "b": [\n    1,\n    {}\n  ]\n}')
end

function spec.test_large_values_are_written_whole()
  local list = {}
  for i = 1, 10000 do
    list[i] = { id = i, name = ("é"):rep(i % 50) }
  end
  lu.assertEquals(json.decode(json.encode(list)), list)
end

function spec.test_a_string_that_is_not_utf8_is_told_with_its_place()
  local places = {
    ["byte 1 is not of UTF-8"] = "\xff",
    ["byte 3 is not of UTF-8, in a[2].b"] = { a = { 1, { b = "é\xe9" } } },
    ["byte 2 is not of UTF-8, in [1]"] = { "x\xed\xa0\x80" },
    ["byte 1 is not of UTF-8, in \xc3"] = { ["\xc3"] = 1 },
  }
  for reason, value in pairs(places) do
    for _, sort in ipairs { true, false } do
      local text, err = json.encode(value, { sort = sort })
      lu.assertNil(text)
      lu.assertEquals({ err.code, err.op, err.reason },
        { "EILSEQ", "encode", reason })
    end
  end
end

local function cyclic()
  local value = { 1, { x = {} } }
  value[2].x.y = value
  return value
end

-- C2.1
function spec.test_what_json_has_no_form_for_is_misuse()
  raises("bad argument #1 to 'encode' (JSON has no function at a[2].b)",
    function() json.encode { a = { 1, { b = print } } } end)
  raises("JSON has no userdata", function() json.encode(io.stdout) end)
  raises("JSON has no NaN at [1]", function() json.encode { 0 / 0 } end)
  raises("JSON has no infinity", function() json.encode(-math.huge) end)
  raises("a table is in itself", function() json.encode(cyclic()) end)
  raises("nested deeper than 1 levels",
    function() json.encode({ {} }, { depth = 1 }) end)
  raises("JSON has no table of indices and other keys at a",
    function() json.encode { a = { 1, x = 2 } } end)
  raises("JSON has no array with gaps",
    function() json.encode { 1, nil, 3 } end)
  raises("JSON has no key of type number, in the table at a",
    function() json.encode { a = { [1.5] = 1 } } end)
  raises("JSON has no key of type boolean, in the table",
    function() json.encode({ [true] = 1 }, { sort = true }) end)
  raises("bad argument #1 to 'encode' (value expected)",
    function() json.encode() end)
end

function spec.test_options_are_checked()
  raises("unknown option 'indnet'; did you mean 'indent'?",
    function() json.encode({}, { indnet = 2 }) end)
  raises("option 'indent' must be an integer from 0 to 32",
    function() json.encode({}, { indent = 33 }) end)
  raises("option 'depth' must be an integer from 1 to 2000",
    function() json.decode("1", { depth = 2001 }) end)
  raises("bad argument #1 to 'decode' (string expected, got number)",
    function() json.decode(1) end)
  raises("the table has a metatable",
    function() json.array(setmetatable({}, {})) end)
  raises("has no field 'decoed'; did you mean 'decode'?",
    function() return json.decoed end)
end

-- -------------------------------------------------------------- the garbage

-- A finalizer runs wherever memory is taken, in the middle of an encode, too.
function spec.test_finalizers_may_change_what_is_being_encoded()
  local value = {}
  for i = 1, 200 do
    value["key" .. i] = ("x"):rep(100)
  end
  local function meddle()
    for i = 1, 200 do
      value["key" .. i] = nil
    end
    json.encode(("y"):rep(5000))
  end
  for _, sort in ipairs { true, false } do
    setmetatable({}, { __gc = meddle })
    collectgarbage("setpause", 0)
    pcall(json.encode, value, { sort = sort })
    collectgarbage("setpause", 200)
  end
end

-- RFC 3629, 4: the longest of each size, and what is next to it.
function spec.test_each_form_of_utf8_is_told_from_what_is_none()
  for _, good in ipairs { "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80",
    "\xED\x9F\xBF", "\xEE\x80\x80", "\xF0\x90\x80\x80",
    "\xF4\x8F\xBF\xBF" } do
    lu.assertEquals(json.encode(good), '"' .. good .. '"')
  end
  for _, bad in ipairs { "\x80", "\xC1\xBF", "\xC2", "\xC2A", "\xE0\x9F\xBF",
    "\xE2\x82", "\xE2\x82A", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
    "\xF0\x90\x80A", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80" } do
    local value, err = json.encode { "x" .. bad }
    lu.assertNil(value)
    lu.assertEquals(err.code, "EILSEQ")
  end
end

-- C2.1
function spec.test_tables_and_depths_that_cannot_be_are_refused()
  raises("JSON has no table of indices and other keys",
    function() json.encode { 1, a = 1, b = 2, c = 3 } end)
  raises("option 'depth' must be an integer from 1 to 2000",
    function() json.encode({}, { depth = 0 }) end)
  raises("option 'depth' must be an integer from 1 to 2000",
    function() json.decode("1", { depth = 2001 }) end)
end

return spec
