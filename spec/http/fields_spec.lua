-- The header fields that a script gives, before a byte of them is sent: what is
-- refused, and why.

local lu = require "luaunit"
local core = require "miniloop.core"
local http = require "miniloop.http"

local spec = {}

local refusal = core.http.refusal

function spec.test_fields_that_may_be_sent()
  for _, fields in ipairs {
    {}, { A = "b" }, { A = 1 }, { A = 1.5 }, { A = "" }, { A = { "b", 1 } },
    { A = {} }, { A = false }, { ["content-length"] = 5 },
    { ["Content-Length"] = "5" }, { ["Content-Length"] = false },
    { Date = "x", ["Content-Type"] = "x", Connection = "close" },
    { Connection = "upgrade" }, { Connection = { "close" } },
    { Connection = 5 }, { ["Transfer-Encoding"] = "chunked" },
  } do
    lu.assertNil((refusal(fields)))
  end
  lu.assertNil((refusal(nil)))
end

function spec.test_names_that_are_none()
  for _, name in ipairs { "", "a b", "a:", "a\r", "ä", 1, 2.5, true } do
    lu.assertEquals(refusal { [name] = "x" },
      ("'%s' is no name of a header field"):format(tostring(name)))
  end
end

function spec.test_values_that_are_none()
  for _, value in ipairs { true, print, io.stdout, { true }, { "a", {} } } do
    lu.assertStrContains(refusal { A = value },
      "the header field 'A' cannot be a ")
  end
  for _, value in ipairs { "a\r\nb", "a\nb", "\0", { "a", "b\r" } } do
    lu.assertStrContains(refusal { A = value }, "would split the message")
  end
end

function spec.test_lengths_that_are_none()
  for _, value in ipairs {
    -1, 1.5, 5.0, "0x10", "five", "", " 5", "5 ", math.huge, ("9"):rep(20),
  } do
    lu.assertEquals(refusal { ["Content-Length"] = value },
      "the header field 'Content-Length' must be a number of bytes")
  end
  lu.assertEquals(refusal { ["Content-Length"] = 1, ["content-length"] = 1 },
    "the header field 'Content-Length' is there twice")
end

function spec.test_fields_are_a_table()
  for _, check in ipairs {
    core.http.refusal, core.http.trailers_refusal, core.http.fields,
  } do
    local _, message = pcall(check, "A: b")
    lu.assertStrContains(message, "table expected")
  end
end

function spec.test_the_lines_of_fields()
  lu.assertEquals(core.http.fields { A = { "b", 1 } }, "A: b\r\nA: 1\r\n")
  lu.assertEquals(core.http.fields { A = false }, "")
  lu.assertStrContains(select(2, pcall(core.http.fields, { [1] = "x" })),
    "'1' is no name of a header field")
end

-- The handler sees what the request is by a look at it.
function spec.test_messages_say_what_they_are()
  local server <close> = assert(http.serve("127.0.0.1:0", function(req)
    return tostring(req)
  end))
  local url = "http://" .. server:address()
  local res = assert(http.get(url .. "/a?b"))
  lu.assertEquals(res:read(), "request: GET /a?b")
  http.close()
end

-- Values are looked at by eight bytes at once, and the rest one by one.
function spec.test_no_control_byte_stands_in_a_value_wherever_it_is()
  local text = ("\x80\xff ~!azAZ09 ="):rep(2)
  for at = 1, #text do
    for byte = 0, 255 do
      local value = text:sub(1, at - 1) .. string.char(byte)
        .. text:sub(at + 1)
      local bad = byte < 32 and byte ~= 9 or byte == 127
      lu.assertEquals(refusal { Name = value } ~= nil, bad)
    end
  end
end

return spec
