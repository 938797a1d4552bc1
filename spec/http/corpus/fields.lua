-- Header fields: RFC 9112, 5; RFC 9110, 5.

local cases = {}

local function field(name, lines, statuses, section)
  table.insert(cases, { name, section or "9112 5",
    "GET / HTTP/1.1\r\nHost: a\r\n" .. lines .. "\r\n", statuses })
end

field("a field", "A: b\r\n", "200+")
field("no blank before the value", "A:b\r\n", "200+")
field("an empty value", "A:\r\n", "200+", "9110 5.5")
field("a value of blanks", "A: \t \r\n", "200+", "9110 5.5")
field("blanks around a value", "A: \t b c\t \r\n", "200+", "9112 5")
field("a tab in a value", "A: b\tc\r\n", "200+", "9110 5.5")
field("a colon in a value", "A: b:c\r\n", "200+", "9110 5.5")
field("bytes above 127 in a value", "A: \195\164\255\r\n", "200+", "9110 5.5")
field("the same field twice", "A: b\r\nA: c\r\n", "200+", "9110 5.3")
field("a name of all signs of a token", "!#$%&'*+-.^_`|~09Az: b\r\n", "200+",
  "9110 5.6.2")

field("a space before the colon", "A : b\r\n", "400", "9112 5.1")
field("a tab before the colon", "A\t: b\r\n", "400", "9112 5.1")
field("a space in the name", "A B: c\r\n", "400", "9112 5.1")
field("a space before the name", " A: b\r\n", "400", "9112 5.2")
field("a tab before the name", "\tA: b\r\n", "400", "9112 5.2")
field("a folded line", "A: b\r\n c\r\n", "400", "9112 5.2")
field("a line folded by a tab", "A: b\r\n\tc\r\n", "400", "9112 5.2")
field("a folded line of blanks", "A: b\r\n \r\n", "400", "9112 5.2")
field("no name", ": b\r\n", "400", "9112 5.1")
field("no colon", "A\r\n", "400", "9112 5")
field("no colon, but a space", "A b\r\n", "400", "9112 5")
field("LF ends the line", "A: b\nC: d\r\n", "400", "9112 2.2")
field("CR ends the line", "A: b\rC: d\r\n", "400", "9112 2.2")
field("CR CR LF ends the line", "A: b\r\r\n", "400", "9112 2.2")
field("CR before the colon", "A\r: b\r\n", "400", "9112 2.2")
field("LF in the name", "A\nB: c\r\n", "400", "9112 2.2")
field("CR LF LF ends the head", "A: b\r\n\n", "400", "9112 2.2")
field("LF CR LF ends the head", "A: b\n\r\n", "400", "9112 2.2")
field("a line of a CR", "\r\r\n", "400", "9112 2.2")

for _, byte in ipairs { 0, 1, 7, 8, 11, 12, 14, 27, 31, 127 } do
  field(("byte 0x%02X in a value"):format(byte), "A: b" .. string.char(byte)
    .. "c\r\n", "400", "9110 5.5")
end
for _, byte in ipairs { 0, 1, 9, 11, 12, 32, 34, 40, 41, 44, 47, 59, 60, 61, 62,
  63, 64, 91, 92, 93, 123, 125, 127, 128, 160, 255 } do
  field(("byte 0x%02X in a name"):format(byte), "A" .. string.char(byte)
    .. "B: c\r\n", "400", "9110 5.1")
end

field("fields up to the limit", ("A: b\r\n"):rep(99), "200+", "6585 5")
field("more fields than the limit", ("A: b\r\n"):rep(100), "431", "6585 5")
field("a field longer than the limit", "A: " .. ("b"):rep(33000) .. "\r\n",
  "431", "6585 5")
field("a name longer than the limit", ("a"):rep(33000) .. ": b\r\n", "431",
  "6585 5")
field("a head longer than the limit", ("A: " .. ("b"):rep(1000) .. "\r\n")
  :rep(33), "431", "6585 5")
table.insert(cases, { "a target longer than the limit", "9112 3",
  "GET /" .. ("a"):rep(8200) .. " HTTP/1.1\r\nHost: a\r\n\r\n", "414" })
table.insert(cases, { "a target up to the limit", "9112 3",
  "GET /" .. ("a"):rep(8000) .. " HTTP/1.1\r\nHost: a\r\n\r\n", "200+" })
table.insert(cases, { "a line without an end", "9112 3",
  ("a"):rep(9000), "414" })

return cases
