-- Where messages end, and smuggling: RFC 9112, 6, 7, 11.2; RFC 9110, 8.6.

local cases = {}

-- What would be a request of its own, if the framing were read in another way.
local inner = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

local function post(name, section, fields, body, statuses, says)
  table.insert(cases, { name, section, "POST /p HTTP/1.1\r\nHost: a\r\n"
    .. fields .. "\r\n" .. body, statuses, says })
end

-- ---------------------------------------------------------------- lengths

local function length(text, statuses, body, says)
  post("Content-Length: " .. text, "9110 8.6", "Content-Length: " .. text
    .. "\r\n", body or "hello", statuses, says)
end

length("5", "200+", "hello", "POST /p hello")
length("0", "200+", "", "POST /p ")
length("005", "200+", "hello", "POST /p hello")
length(" 5 ", "200+", "hello", "POST /p hello")
length("35", "200+", inner, "POST /p " .. inner)
length("", "400")
length("+5", "400")
length("-5", "400")
length("-0", "400", "")
length("5.0", "400")
length("5e0", "400")
length("0x5", "400")
length("0b1", "400")
length("five", "400")
length("5 5", "400")
length("5,5", "400")
length("5, 5", "400")
length("5;", "400")
length("5\t5", "400")
length("\"5\"", "400")
length("\0535\11", "400")
length("9223372036854775808", "400")
length("18446744073709551616", "400")
length("18446744073709551621", "400")
length("99999999999999999999999999999999", "400")
length("\239\188\149", "400")
post("no length and no body", "9112 6.3", "", "", "200+", "POST /p ")
post("two lengths that differ", "9112 6.3",
  "Content-Length: 5\r\nContent-Length: 35\r\n", "hello" .. inner, "400")
post("two lengths, the greater first", "9112 6.3",
  "Content-Length: 35\r\nContent-Length: 5\r\n", inner, "400")
post("the same length twice", "9112 6.3",
  "Content-Length: 5\r\nContent-Length: 5\r\n", "hello", "400")
post("the same length twice, in other cases", "9112 6.3",
  "Content-Length: 5\r\ncontent-LENGTH: 5\r\n", "hello", "400")
post("a length with a space before its colon", "9112 5.1",
  "Content-Length : 36\r\n", inner, "400")
post("a length with a folded value", "9112 5.2", "Content-Length:\r\n 36\r\n",
  inner, "400")
post("a length behind a bare CR", "9112 2.2", "A: b\rContent-Length: 35\r\n",
  inner, "400")
post("a length behind a bare LF", "9112 2.2", "A: b\nContent-Length: 35\r\n",
  inner, "400")
post("a length behind NUL", "9110 5.5", "A: \0\r\nContent-Length: 35\r\n",
  inner, "400")
post("a name that only ends so", "9110 5.1", "X-Content-Length: 35\r\n", "",
  "200+", "POST /p ")
post("a name with an underscore", "9110 5.1", "Content_Length: 36\r\n", "",
  "200+", "POST /p ")
post("a length longer than is read", "9110 15.5.14",
  "Content-Length: 2000000\r\n", "", "413")
table.insert(cases, { "a GET with a body", "9110 9.3.1",
  "GET /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "200+",
  "GET /p hello" })
table.insert(cases, { "a DELETE with a body", "9110 9.3.5",
  "DELETE /p HTTP/1.1\r\nHost: a\r\nContent-Length: 35\r\n\r\n" .. inner,
  "200+", "DELETE /p " .. inner })
table.insert(cases, { "a body that is cut", "9112 8",
  "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhello", "400",
  cut = true })
table.insert(cases, { "a head that is cut", "9112 8",
  "POST /p HTTP/1.1\r\nHost: a\r\n", "400", cut = true })
table.insert(cases, { "a request line that is cut", "9112 8", "POST /p",
  "400", cut = true })

-- ---------------------------------------------------------------- codings

local whole = "5\r\nhello\r\n0\r\n\r\n"

local function coding(text, statuses, says)
  post("Transfer-Encoding: " .. text, "9112 6.1", "Transfer-Encoding: "
    .. text .. "\r\n", whole, statuses, says)
end

coding("chunked", "200+", "POST /p hello")
coding("CHUNKED", "200+", "POST /p hello")
coding("Chunked", "200+", "POST /p hello")
coding("\tchunked\t", "200+", "POST /p hello")
coding("", "400")
coding("identity", "400")
coding("gzip", "400")
coding("chunked, chunked", "400")
coding("chunked,chunked", "400")
coding("chunked, gzip", "400")
coding("chunked, identity", "400")
coding("chunked,", "400")
coding(", chunked", "400")
coding("gzip, chunked", "501")
coding("identity, chunked", "501")
coding("xchunked", "400")
coding("chunkedx", "400")
coding("chunk", "400")
coding("chunked;q=1", "400")
coding("chunked x", "400")
coding("\"chunked\"", "400")
coding("'chunked'", "400")
coding("chunked\11", "400")
coding("\11chunked", "400")
coding("chunked\0", "400")
coding("chu\0nked", "400")
coding("chunked\194\160", "400")
post("two codings that are the same", "9112 6.1",
  "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", whole, "400")
post("a coding in two fields", "9112 6.1",
  "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", whole, "501")
post("chunks, and then identity", "9112 6.1",
  "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", whole,
  "400")
post("chunks, and then nothing", "9112 6.1",
  "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", whole, "400")
post("length and chunks", "9112 6.3",
  "Content-Length: 15\r\nTransfer-Encoding: chunked\r\n", whole, "400")
post("chunks and length", "9112 6.3",
  "Transfer-Encoding: chunked\r\nContent-Length: 15\r\n", whole, "400")
post("a length of 0 and chunks", "9112 6.3",
  "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", whole, "400")
post("length, and a coding that is not known", "9112 6.3",
  "Content-Length: 15\r\nTransfer-Encoding: x\r\n", whole, "400")
post("a coding with a space before its colon", "9112 5.1",
  "Transfer-Encoding : chunked\r\n", whole, "400")
post("length, and a coding with a space before its colon", "9112 5.1",
  "Content-Length: 15\r\nTransfer-Encoding : chunked\r\n", whole, "400")
post("length, and a coding with a tab before its colon", "9112 5.1",
  "Content-Length: 15\r\nTransfer-Encoding\t: chunked\r\n", whole, "400")
post("length, and a folded coding", "9112 5.2",
  "Content-Length: 15\r\nTransfer-Encoding:\r\n chunked\r\n", whole, "400")
post("length, and a coding in a folded line", "9112 5.2",
  "Content-Length: 15\r\nA: b\r\n Transfer-Encoding: chunked\r\n", whole,
  "400")
post("length, and a coding behind a bare CR", "9112 2.2",
  "Content-Length: 15\r\nA: b\rTransfer-Encoding: chunked\r\n", whole, "400")
post("length, and a coding behind a bare LF", "9112 2.2",
  "Content-Length: 15\r\nA: b\nTransfer-Encoding: chunked\r\n", whole, "400")
post("length, and a coding behind NUL", "9110 5.5",
  "Content-Length: 15\r\n\0Transfer-Encoding: chunked\r\n", whole, "400")
post("length, and a coding with a byte before it", "9110 5.1",
  "Content-Length: 15\r\n\127Transfer-Encoding: chunked\r\n", whole, "400")
post("length, and another name", "9110 5.1",
  "Content-Length: 15\r\nTransfer_Encoding: chunked\r\n", whole, "200+",
  "POST /p " .. whole)
table.insert(cases, { "chunks of HTTP/1.0", "9112 6.1",
  "POST /p HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
  .. whole, "400" })
table.insert(cases, { "chunks of a GET", "9112 6.3",
  "GET /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
  .. whole, "200+", "GET /p hello" })

return cases
