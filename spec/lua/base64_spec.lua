-- Base64 as scripts have it; its vectors are in spec/c/proto_text_test.c.

local lu = require "luaunit"
local base64 = require "miniloop.base64"

local spec = {}

function spec.test_there_and_back()
  for _, bytes in ipairs {
    "", "f", "fo", "foo", "\0\255\254", ("x"):rep(1000),
  } do
    lu.assertEquals(base64.decode(base64.encode(bytes)), bytes)
  end
  lu.assertEquals(base64.encode "foob", "Zm9vYg==")
end

function spec.test_what_is_no_base64_is_an_error()
  for _, text in ipairs { "Zg", "Zg==\n", "Zh==", "Z_==", "====" } do
    local bytes, err = base64.decode(text)
    lu.assertNil(bytes)
    lu.assertEquals({ err.code, err.op }, { "EILSEQ", "decode" })
  end
end

function spec.test_what_is_no_string_is_misuse()
  lu.assertErrorMsgContains("bad argument #1 to 'encode'", base64.encode, 12)
  lu.assertErrorMsgContains("bad argument #1 to 'decode'", base64.decode)
end

return spec
