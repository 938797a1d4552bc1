-- miniloop.url: RFC 3986, its own examples above all, and the coding of forms.

local lu = require "luaunit"
local raises = require "spec.support.raises"
local url = require "miniloop.url"

local spec = {}

-- ------------------------------------------------------------------- parse

-- RFC 3986, 1.1.2, and the two of section 3.
local examples = {
  ["ftp://ftp.is.co.za/rfc/rfc1808.txt"] =
    { scheme = "ftp", host = "ftp.is.co.za", path = "/rfc/rfc1808.txt" },
  ["http://www.ietf.org/rfc/rfc2396.txt"] =
    { scheme = "http", host = "www.ietf.org", path = "/rfc/rfc2396.txt" },
  ["ldap://[2001:db8::7]/c=GB?objectClass?one"] = {
    scheme = "ldap", host = "2001:db8::7", path = "/c=GB",
    query = "objectClass?one",
  },
  ["mailto:John.Doe@example.com"] =
    { scheme = "mailto", path = "John.Doe@example.com" },
  ["news:comp.infosystems.www.servers.unix"] =
    { scheme = "news", path = "comp.infosystems.www.servers.unix" },
  ["tel:+1-816-555-1212"] = { scheme = "tel", path = "+1-816-555-1212" },
  ["telnet://192.0.2.16:80/"] =
    { scheme = "telnet", host = "192.0.2.16", port = 80, path = "/" },
  ["urn:oasis:names:specification:docbook:dtd:xml:4.1.2"] = {
    scheme = "urn", path = "oasis:names:specification:docbook:dtd:xml:4.1.2",
  },
  ["foo://example.com:8042/over/there?name=ferret#nose"] = {
    scheme = "foo", host = "example.com", port = 8042, path = "/over/there",
    query = "name=ferret", fragment = "nose",
  },
  ["urn:example:animal:ferret:nose"] =
    { scheme = "urn", path = "example:animal:ferret:nose" },
  ["http://a:b%40@h/?#"] = {
    scheme = "http", userinfo = "a:b%40", host = "h", path = "/", query = "",
    fragment = "",
  },
  ["file:///etc/hosts"] = { scheme = "file", host = "", path = "/etc/hosts" },
  ["//h"] = { host = "h", path = "" },
  ["[v7.a:b]"] = false,
  ["//[v7.a:b]"] = { host = "[v7.a:b]", path = "" },
  ["a%2Fb?x=/?:@"] = { path = "a%2Fb", query = "x=/?:@" },
  [""] = { path = "" },
}

function spec.test_urls_are_taken_apart_and_put_together_again()
  for text, parts in pairs(examples) do
    if parts then
      lu.assertEquals(url.parse(text), parts, text)
      lu.assertEquals(url.build(parts), text)
    end
  end
end

function spec.test_the_scheme_is_read_in_any_case()
  lu.assertEquals(url.parse("HTTP://h").scheme, "http")
end

function spec.test_what_is_no_url_is_refused_with_the_reason()
  local bad = {
    ["http://a b/"] = "byte 0x20 cannot stand in the host",
    ["http://a/b c"] = "byte 0x20 cannot stand in the path",
    ["http://a/\r\nX: y"] = "byte 0x0D cannot stand in the path",
    ["http://a/\0"] = "byte 0x00 cannot stand in the path",
    ["http://a/?\xff"] = "byte 0xFF cannot stand in the query",
    ["http://a/#<"] = "byte 0x3C cannot stand in the fragment",
    ["http://a/%zz"] = "no two digits after '%' in the path",
    ["http://a/%4"] = "no two digits after '%' in the path",
    ["http://a:x/"] = "'x' is no port",
    ["http://a:65536/"] = "'65536' is no port",
    ["http://a:1:2/"] = "'1:2' is no port",
    ["http://a:99999999999999999999/"] = "'99999999999999999999' is no port",
    ["http://::1/"] = "':1' is no port",
    ["http://[::1/"] = "what is in brackets is no address",
    ["http://[::1]x/"] = "what is in brackets is no address",
    ["http://[a]/"] = "what is in brackets is no address",
    ["http://u[@h/"] = "byte 0x5B cannot stand in the userinfo",
    ["1a:b"] = "'1a' is no scheme",
    [":b"] = "'' is no scheme",
  }
  for text, reason in pairs(bad) do
    local parts, err = url.parse(text)
    lu.assertNil(parts, text)
    lu.assertEquals({ err.code, err.op, err.address, err.reason },
      { "EINVAL", "parse", text, reason })
  end
end

-- ------------------------------------------------------------------- build

function spec.test_build_encodes_what_cannot_stand_in_a_part()
  lu.assertEquals(url.build {
    scheme = "http", userinfo = "a@b", host = "h", path = "/a b?c#d/%41/50%",
    query = "x=ü#", fragment = "#",
  }, "http://a%40b@h/a%20b%3Fc%23d/%41/50%25?x=%C3%BC%23#%23")
end

function spec.test_build_never_lets_a_path_be_read_as_something_else()
  lu.assertEquals(url.build { path = "//evil/x" }, "/.//evil/x")
  lu.assertEquals(url.build { path = "a:b" }, "./a:b")
  lu.assertEquals(url.build { host = "h", path = "x" }, "//h/x")
  lu.assertEquals(url.build { scheme = "http", host = "::1", port = 8 },
    "http://[::1]:8")
end

function spec.test_build_takes_a_table_as_query()
  lu.assertEquals(url.build { path = "/", query = { q = "a&b", n = 1 } },
    "/?n=1&q=a%26b")
end

function spec.test_wrong_parts_are_misuse()
  raises("has no field 'hots'; did you mean 'host'?",
    function() url.build { hots = "x" } end)
  raises("bad option 'port' of 'build' (number expected, got string)",
    function() url.build { port = "80" } end)
  raises("bad option 'host' of 'build' (a host expected)",
    function() url.build { host = "::1]/x" } end)
  raises("bad option 'scheme' of 'build' (a scheme expected)",
    function() url.build { scheme = "a b" } end)
  raises("bad argument #1 to 'parse' (string expected, got number)",
    function() url.parse(5) end)
  raises("has no field 'pares'; did you mean 'parse'?",
    function() return url.pares end)
end

function spec.test_what_people_type_can_be_repaired()
  lu.assertEquals(url.repair("http://h/a b/ü?q[]=50%&x=%41#é"),
    "http://h/a%20b/%C3%BC?q%5B%5D=50%25&x=%41#%C3%A9")
  lu.assertEquals(url.repair("http://u@[::1]:8/a"), "http://u@[::1]:8/a")
  lu.assertEquals(url.repair("/a\r\nb"), "/a%0D%0Ab")
end

-- ----------------------------------------------------------------- resolve

-- RFC 3986, 5.4.1 and 5.4.2, all of them, for a strict parser.
local references = [[
g:h g:h
g http://a/b/c/g
./g http://a/b/c/g
g/ http://a/b/c/g/
/g http://a/g
//g http://g
?y http://a/b/c/d;p?y
g?y http://a/b/c/g?y
#s http://a/b/c/d;p?q#s
g#s http://a/b/c/g#s
g?y#s http://a/b/c/g?y#s
;x http://a/b/c/;x
g;x http://a/b/c/g;x
g;x?y#s http://a/b/c/g;x?y#s
. http://a/b/c/
./ http://a/b/c/
.. http://a/b/
../ http://a/b/
../g http://a/b/g
../.. http://a/
../../ http://a/
../../g http://a/g
../../../g http://a/g
../../../../g http://a/g
/./g http://a/g
/../g http://a/g
g. http://a/b/c/g.
.g http://a/b/c/.g
g.. http://a/b/c/g..
..g http://a/b/c/..g
./../g http://a/b/g
./g/. http://a/b/c/g/
g/./h http://a/b/c/g/h
g/../h http://a/b/c/h
g;x=1/./y http://a/b/c/g;x=1/y
g;x=1/../y http://a/b/c/y
g?y/./x http://a/b/c/g?y/./x
g?y/../x http://a/b/c/g?y/../x
g#s/./x http://a/b/c/g#s/./x
g#s/../x http://a/b/c/g#s/../x
http:g http:g
]]

function spec.test_references_are_resolved_as_the_rfc_has_them()
  local base = "http://a/b/c/d;p?q"
  local count = 0
  for reference, target in references:gmatch("(%S+) (%S+)") do
    count = count + 1
    lu.assertEquals(url.resolve(base, reference), target, reference)
  end
  lu.assertEquals(count, 41)
  lu.assertEquals(url.resolve(base, ""), "http://a/b/c/d;p?q")
end

function spec.test_bases_without_path_or_authority()
  lu.assertEquals(url.resolve("http://a", "g"), "http://a/g")
  lu.assertEquals(url.resolve("http://a?q", ""), "http://a?q")
  lu.assertEquals(url.resolve("http://u@a:8/x", "y"), "http://u@a:8/y")
  lu.assertEquals(url.resolve("mid:a/b", "c"), "mid:a/c")
  lu.assertEquals(url.resolve("mid:a/b", ".."), "mid:/")
  lu.assertEquals(url.resolve("a:/b/c", "..//d"), "a:/.//d")
end

function spec.test_a_base_must_be_absolute()
  local _, err = url.resolve("/a", "b")
  lu.assertEquals(err.reason, "the base has no scheme")
  _, err = url.resolve("http://a", "b c")
  lu.assertEquals(err.code, "EINVAL")
end

-- --------------------------------------------------------------- normalize

function spec.test_urls_that_mean_the_same_get_one_form()
  local forms = {
    ["eXAMPLE://a/./b/../b/%63/%7bfoo%7d"] = "example://a/b/c/%7Bfoo%7D",
    ["HTTP://www.EXAMPLE.com/"] = "http://www.example.com/",
    ["http://example.com"] = "http://example.com/",
    ["http://example.com:/"] = "http://example.com/",
    ["http://example.com:80/"] = "http://example.com/",
    ["https://example.com:80/"] = "https://example.com:80/",
    ["http://%41.com/%7Euser?%7e#%41"] = "http://a.com/~user?~#A",
    ["http://h%c3%bc/"] = "http://h%C3%BC/",
    ["../a/../b"] = "../a/../b",
    ["mailto:A@B"] = "mailto:A@B",
  }
  for text, form in pairs(forms) do
    lu.assertEquals(url.normalize(text), form, text)
    lu.assertEquals(url.normalize(form), form)
  end
  lu.assertNil((url.normalize("a b")))
end

-- ------------------------------------------------------------------- any text

local morsels = {
  "http:", "//", "/", "?", "#", "a", "..", ".", "%41", "%", "@", ":", "[", "]",
  "::1", "80", " ", "\0", "\xff", "é", "g", ";", "=", "&",
}

-- What can be taken apart is the same when it was put together; what is
-- repaired can mostly be taken apart; a normal form is one.
function spec.test_whatever_the_text_is_parts_are_parts_of_it()
  math.randomseed(3986)
  local count = 0
  for _ = 1, 5000 do
    local pieces = {}
    for i = 1, math.random(8) do
      pieces[i] = morsels[math.random(#morsels)]
    end
    local text = table.concat(pieces)
    local parts = url.parse(text)
    if parts then
      count = count + 1
      lu.assertEquals(url.parse(url.build(parts)), parts, text)
      local form = url.normalize(text)
      lu.assertEquals(url.normalize(form), form, text)
      local far = assert(url.resolve("http://h/x/y", text))
      lu.assertEquals(url.resolve("http://other/", far), far, text)
    end
    url.parse(url.repair(text))
    lu.assertEquals(url.repair(url.repair(text)), url.repair(text), text)
  end
  lu.assertTrue(count > 500)
end

-- ------------------------------------------------------------------ coding

function spec.test_percent_coding_is_undone_for_every_byte()
  local all = {}
  for byte = 0, 255 do
    all[#all + 1] = string.char(byte)
  end
  all = table.concat(all)
  lu.assertEquals(url.decode(url.encode(all)), all)
  lu.assertEquals(url.decode(url.encode(all):lower():gsub("%%%x%x",
    string.upper)), all:lower())
  lu.assertEquals(url.encode("a-._~ /+ü"), "a-._~%20%2F%2B%C3%BC")
  lu.assertEquals(url.decode("%2f%2F+"), "//+")
end

function spec.test_escapes_that_are_cut_are_refused()
  for _, text in ipairs { "%", "a%4", "%zz", "%%41" } do
    local _, err = url.decode(text)
    lu.assertEquals(err.code, "EINVAL", text)
    lu.assertEquals(err.op, "decode")
  end
end

function spec.test_queries_are_read_as_browsers_write_them()
  local fields, list = url.decode_query("a=1&b=x+y%2B&a=2&c&=d&&e=f=g&%zz=%")
  lu.assertEquals(fields, {
    a = "1", b = "x y+", c = "", [""] = "d", e = "f=g", ["%zz"] = "%",
  })
  lu.assertEquals(list, {
    { "a", "1" }, { "b", "x y+" }, { "a", "2" }, { "c", "" }, { "", "d" },
    { "e", "f=g" }, { "%zz", "%" },
  })
  lu.assertEquals(url.decode_query(""), {})
end

function spec.test_queries_are_written_in_one_order()
  lu.assertEquals(url.encode_query { b = "x y+ü", a = { 1, 2.5 }, c = true },
    "a=1&a=2.5&b=x+y%2B%C3%BC&c=true")
  lu.assertEquals(url.encode_query { { "z", "1" }, { "a", "&=" } },
    "z=1&a=%26%3D")
  lu.assertEquals(url.encode_query {}, "")
  raises("a field cannot be a function",
    function() url.encode_query { a = print } end)
  raises("a list of pairs expected",
    function() url.encode_query { "a" } end)
end

return spec
