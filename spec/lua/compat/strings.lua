-- The libraries string, utf8 and table.

print(("%5d|%-5d|%05d|%+d|%x|%X|%#x|%o"):format(42, 42, 42, 42, 255, 255, 255,
  8))
print(("%g|%.3f|%10.2e|%a|%c|%s|%q|%%|%i"):format(1e20, 2 / 3, 12345.678, 0.5,
  65, "s", 'a "quote"\n\0', 7))
print(("%q"):format(1 / 3), ("%q"):format(math.mininteger))
print(pcall(string.format, "%d", 1.5), pcall(string.format, "%y", 1))

print(("hello world"):find("o w"), ("hello"):find("l+"))
print(("a.b"):find(".", 2, true))
print(("key = value"):match("^(%w+)%s*=%s*(%w+)$"))
print(("abc"):gsub("%w", "%0%0"), ("abc"):gsub("", "-"))
print(("abc"):gsub("b", { b = "[b]" }))
print(("abc"):gsub(".", function(c) return c ~= "b" and c:upper() end))
print(("THE (quick) fox"):find("%((%a+)%)"), ("f(a(b)c)d"):match("%b()"))
print(("THE fox"):gsub("%f[%a]%a+", string.lower))
for k, v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do io.write(k, v, ";") end
for position in ("abc"):gmatch("()b") do print(position) end
print(pcall(string.gsub, "x", "(", ""), pcall(string.find, "x", "%"))
print(pcall(string.rep, "x", 1 << 60))
print(("x"):rep(3, ","), ("abc"):reverse(), ("abc"):byte(1, -1))
print(#("\u{7FFFFFFF}"))
print(("abc"):sub(-2), ("abc"):sub(2, 10), ("abc"):sub(0), ("abc"):len())
print(tostring(nil) .. tostring(true), ("x"):upper():lower())

local packed = string.pack("<i4 z s1 d", -2, "zero", "one", 1.5)
print(#packed, string.unpack("<i4 z s1 d", packed))
print(string.packsize("<i4 i8 !8 d"), pcall(string.unpack, "<i4", "abc"))

print(utf8.char(72, 228, 8364, 128512), utf8.len("häß"), utf8.len("\xff"))
for p, c in utf8.codes("aä€") do io.write(p, ":", c, " ") end
print(utf8.offset("aä€", 3), utf8.codepoint("ä€", 1, -1))
print(pcall(utf8.codepoint, "\xff"))

local t = { 5, 2, 8, 1, 9, 3 }
table.sort(t)
print(table.concat(t, " "))
table.sort(t, function(a, b) return a > b end)
print(table.concat(t, " ", 2, 4))
print(pcall(table.sort, { 3, 1, "x" }))
print(pcall(table.sort, { 1, 2, 3, 4, 5, 6, 7, 8 }, function()
  return true
end))
print(table.unpack({ 1, 2, nil, 4 }, 1, 4))
print(table.unpack(table.pack(nil, nil)), table.pack(nil, nil).n)
table.insert(t, 1, 0)
table.insert(t, 99)
print(table.remove(t), table.remove(t, 1), #t, table.remove({}))
print(pcall(table.insert, t, 20, 1))
print(table.concat(table.move({ 1, 2, 3 }, 1, 3, 2), ","))
print(pcall(table.concat, { 1, {}, 3 }))
print(next({}), type(next), rawlen({ 1, 2 }), rawequal("a", "a"))
