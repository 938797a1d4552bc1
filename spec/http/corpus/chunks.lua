-- Chunks: RFC 9112, 7.1; trailers: RFC 9110, 6.5.

local cases = {}

local head = "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
local inner = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

local function chunks(name, body, statuses, says, section)
  table.insert(cases, { name, section or "9112 7.1", head .. body, statuses,
    says })
end

chunks("no chunk but the last", "0\r\n\r\n", "200+", "POST /p ")
chunks("one chunk", "5\r\nhello\r\n0\r\n\r\n", "200+", "POST /p hello")
chunks("two chunks", "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "200+",
  "POST /p hello")
chunks("a size in small letters", "a\r\n0123456789\r\n0\r\n\r\n", "200+",
  "POST /p 0123456789")
chunks("a size in capitals", "A\r\n0123456789\r\n0\r\n\r\n", "200+",
  "POST /p 0123456789")
chunks("a size with zeros before it", "0005\r\nhello\r\n000\r\n\r\n", "200+",
  "POST /p hello")
chunks("a chunk that looks like a request", "23\r\n" .. inner
  .. "\r\n0\r\n\r\n", "200+", "POST /p " .. inner)
chunks("a chunk that looks like the end", "7\r\n0\r\n\r\nab\r\n0\r\n\r\n",
  "200+", "POST /p 0\r\n\r\nab")
chunks("an extension", "5;a\r\nhello\r\n0\r\n\r\n", "200+", "POST /p hello",
  "9112 7.1.1")
chunks("an extension with a value", "5;a=b\r\nhello\r\n0;c=d\r\n\r\n", "200+",
  "POST /p hello", "9112 7.1.1")
chunks("an extension in quotes", "5;a=\"b c\"\r\nhello\r\n0\r\n\r\n", "200+",
  "POST /p hello", "9112 7.1.1")
chunks("a trailer", "5\r\nhello\r\n0\r\nA: b\r\n\r\n", "200+",
  "POST /p hello", "9112 7.1.2")
chunks("two trailers", "0\r\nA: b\r\nC: d\r\n\r\n", "200+", "POST /p ",
  "9112 7.1.2")

for name, size in pairs {
  ["with a sign"] = "+5", ["that is negative"] = "-5",
  ["with a prefix"] = "0x5", ["with another prefix"] = "0X5",
  ["that ends in h"] = "5h", ["that is no number"] = "x",
  ["with a space before it"] = " 5", ["with a tab before it"] = "\t5",
  ["with a space behind it"] = "5 ", ["with a tab behind it"] = "5\t",
  ["with a line before it"] = "\r\n5", ["with NUL behind it"] = "5\0",
  ["with NUL before it"] = "\0005", ["that is empty"] = "",
  ["with a point"] = "5.0", ["in quotes"] = "\"5\"", ["with a comma"] = "5,5",
  ["with an underscore"] = "0_5", ["of two numbers"] = "5 5",
  ["of 2^63"] = "8000000000000000", ["of 2^64"] = "10000000000000000",
  ["of 2^64 + 5"] = "10000000000000005",
  ["of 2^32 + 5 in a longer number"] = "f0000000000000005",
  ["of all bits"] = "ffffffffffffffff",
  ["of very many digits"] = ("f"):rep(40),
  ["with a vertical tab"] = "5\11", ["with a form feed"] = "5\12",
  ["with a letter of another alphabet"] = "\239\188\149",
} do
  chunks("a size " .. name, size .. "\r\nhello\r\n0\r\n\r\n", "400")
end

chunks("LF ends the size", "5\nhello\r\n0\r\n\r\n", "400")
chunks("CR ends the size", "5\rhello\r\n0\r\n\r\n", "400")
chunks("CR CR LF ends the size", "5\r\r\nhello\r\n0\r\n\r\n", "400")
chunks("LF ends the data", "5\r\nhello\n0\r\n\r\n", "400")
chunks("CR ends the data", "5\r\nhello\r0\r\n\r\n", "400")
chunks("nothing ends the data", "5\r\nhello0\r\n\r\n", "400")
chunks("a chunk longer than its size", "4\r\nhello\r\n0\r\n\r\n", "400")
chunks("a chunk shorter than its size", "6\r\nhello\r\n0\r\n\r\n", "400")
chunks("LF ends the last chunk", "5\r\nhello\r\n0\n\r\n", "400")
chunks("LF ends the body", "5\r\nhello\r\n0\r\n\n", "400")
chunks("CR ends the body", "5\r\nhello\r\n0\r\n\r" .. inner, "400")
chunks("LF ends an extension", "5;a\nhello\r\n0\r\n\r\n", "400", nil,
  "9112 7.1.1")
chunks("LF in an extension", "5;a\n;b\r\nhello\r\n0\r\n\r\n", "400", nil,
  "9112 7.1.1")
chunks("CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n", "400", nil,
  "9112 7.1.1")
chunks("NUL in an extension", "5;a\0\r\nhello\r\n0\r\n\r\n", "400", nil,
  "9112 7.1.1")
chunks("an extension that is too long", "5;" .. ("a"):rep(300)
  .. "\r\nhello\r\n0\r\n\r\n", "400", nil, "9112 7.1.1")
chunks("extensions that are too long in all",
  ("1;" .. ("a"):rep(200) .. "\r\na\r\n"):rep(90) .. "0\r\n\r\n", "400", nil,
  "9112 7.1.1")
chunks("extensions that are too long in all with that of the last chunk",
  ("1;" .. ("a"):rep(200) .. "\r\na\r\n"):rep(81) .. "0;" .. ("a"):rep(200)
  .. "\r\n\r\n", "400", nil, "9112 7.1.1")

for name, text in pairs {
  ["without a name"] = ";", ["without a value"] = ";a=",
  ["with a space before it"] = " ;a", ["with a space in it"] = ";a b",
  ["with quotes that do not end"] = ";a=\"b", ["with two values"] = ";a=b=c",
  ["behind quotes"] = ";a=\"b\"c",
} do
  chunks("an extension " .. name, "5" .. text .. "\r\nhello\r\n0\r\n\r\n",
    "400", nil, "9112 7.1.1")
end

for name, line in pairs {
  ["with a space before its colon"] = "A : b\r\n",
  ["that is folded"] = "A: b\r\n c\r\n", ["without a colon"] = "A\r\n",
  ["without a name"] = ": b\r\n", ["that LF ends"] = "A: b\n",
  ["with CR in it"] = "A: b\rc\r\n", ["with NUL in it"] = "A: \0\r\n",
  ["with a length"] = "Content-Length: 5\r\n",
  ["with a coding"] = "Transfer-Encoding: chunked\r\n",
  ["with a host"] = "Host: b\r\n",
} do
  chunks("a trailer " .. name, "5\r\nhello\r\n0\r\n" .. line .. "\r\n", "400",
    nil, "9112 7.1.2")
end
chunks("more trailers than the limit", "0\r\n" .. ("A: b\r\n"):rep(101)
  .. "\r\n", "431", nil, "6585 5")
chunks("trailers longer than the limit", "0\r\nA: " .. ("b"):rep(33000)
  .. "\r\n\r\n", "431", nil, "6585 5")
table.insert(cases, { "chunks that are cut in a size", "9112 8", head .. "5",
  "400", cut = true })
table.insert(cases, { "chunks that are cut in the data", "9112 8",
  head .. "5\r\nhel", "400", cut = true })
table.insert(cases, { "chunks that are cut before the last", "9112 8",
  head .. "5\r\nhello\r\n", "400", cut = true })
table.insert(cases, { "chunks that are cut behind the last", "9112 8",
  head .. "5\r\nhello\r\n0\r\n", "400", cut = true })

return cases
