-- miniloop.http.mime: media types by the ending of a name.

local lu = require "luaunit"
local mime = require "miniloop.http.mime"

local spec = {}

function spec.test_the_ending_of_a_name_tells_its_type()
  lu.assertEquals(mime.of("index.html"), "text/html; charset=utf-8")
  lu.assertEquals(mime.of("/a.b/LOGO.PNG"), "image/png")
  lu.assertEquals(mime.of("a.tar.gz"), "application/gzip")
  lu.assertEquals(mime.of("a.js"), "text/javascript; charset=utf-8")
end

function spec.test_what_has_no_known_ending_is_bytes()
  for _, path in ipairs {
    "", "README", "a.", ".html", "/x/.json", "a.html/b", "a.nothing", "/",
    "..html", "/..html", "a./b.", "a.html.",
  } do
    lu.assertEquals(mime.of(path), mime.unknown, path)
  end
end

-- The time is not measured: it would be hours.
function spec.test_a_long_name_is_looked_through_once()
  local long = 4000000
  lu.assertEquals(mime.of(("x"):rep(long)), mime.unknown)
  lu.assertEquals(mime.of(("."):rep(long)), mime.unknown)
  lu.assertEquals(mime.of(("a."):rep(long) .. "png"), "image/png")
  lu.assertEquals(mime.of(("a/"):rep(long) .. "b.png"), "image/png")
end

return spec
