-- miniloop.http.cookie and miniloop.http.jar: RFC 6265.

local cookie = require "miniloop.http.cookie"
local date = require "miniloop.http.date"
local jar = require "miniloop.http.jar"
local lu = require "luaunit"
local raises = require "spec.support.raises"

local spec = {}

-- ----------------------------------------------------------- a server's side

function spec.test_the_cookies_of_a_request_are_read()
  lu.assertEquals(cookie.parse "SID=31d4d96e407aad42; lang=en-US",
    { SID = "31d4d96e407aad42", lang = "en-US" })
  lu.assertEquals(cookie.parse ' a = "x y" ;b=; c;=d; a=2;e=f=g ',
    { a = '"x y"', b = "", e = "f=g" })
  lu.assertEquals(cookie.parse "", {})
end

function spec.test_cookies_are_set_with_attributes()
  lu.assertEquals(cookie.format("SID", "31d4", {
    path = "/", secure = true, httponly = true, domain = "example.com",
    expires = 784111777, max_age = 60, samesite = "Lax",
  }), "SID=31d4; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=60; "
    .. "Domain=example.com; Path=/; Secure; HttpOnly; SameSite=Lax")
  lu.assertEquals(cookie.format("a", '"b"', { secure = false }), 'a="b"')
end

function spec.test_what_would_split_a_cookie_is_misuse()
  raises("bad argument #1 to 'format' (a name of a cookie",
    function() cookie.format("a b", "") end)
  for _, value in ipairs { "a;b", "a b", "a\r\nb", "a,b", "é", '"', "a\0" } do
    raises("bad argument #2 to 'format' (a value of a cookie",
      function() cookie.format("a", value) end)
  end
  raises("bad option 'path' of 'format'",
    function() cookie.format("a", "b", { path = "/;Secure" }) end)
  raises("bad option 'samesite' of 'format'",
    function() cookie.format("a", "b", { samesite = "lax" }) end)
  raises("has no field 'http_only'; did you mean 'httponly'?",
    function() cookie.format("a", "b", { http_only = true }) end)
end

-- --------------------------------------------------------------------- a jar

-- The examples of RFC 6265, 3.1.
function spec.test_a_jar_gives_back_what_was_set()
  local cookies = jar()
  lu.assertTrue(cookies:store("http://example.com/", "SID=31d4d96e"))
  lu.assertEquals(cookies:header "http://example.com/a", "SID=31d4d96e")
  lu.assertNil(cookies:header "http://www.example.com/")
  cookies:store("http://example.com/",
    "lang=en-US; Path=/; Domain=example.com")
  lu.assertEquals(cookies:header "http://www.example.com/x", "lang=en-US")
  cookies:store("http://example.com/",
    "lang=; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Domain=example.com")
  lu.assertEquals(cookies:header "http://example.com/", "SID=31d4d96e")
end

function spec.test_paths_bound_where_cookies_go()
  local cookies = jar()
  cookies:store("http://h.x/docs/index.html", "a=1")
  cookies:store("http://h.x/docs/web/x", "b=2; Path=/docs/web")
  cookies:store("http://h.x/docs/", "c=3; Path=/")
  lu.assertEquals(cookies:header "http://h.x/docs/web", "b=2; a=1; c=3")
  lu.assertEquals(cookies:header "http://h.x/docs/website", "a=1; c=3")
  lu.assertEquals(cookies:header "http://h.x/docsx", "c=3")
  lu.assertEquals(cookies:header "http://h.x", "c=3")
end

function spec.test_secure_cookies_go_over_tls_alone()
  local cookies = jar()
  lu.assertFalse(cookies:store("http://h.x/", "a=1; Secure"))
  lu.assertTrue(cookies:store("https://h.x/", "a=1; Secure"))
  lu.assertNil(cookies:header "http://h.x/")
  lu.assertEquals(cookies:header "https://h.x/", "a=1")
  lu.assertFalse(cookies:store("http://h.x/", "a=2"))
  lu.assertEquals(cookies:header "https://h.x/", "a=1")
end

function spec.test_a_server_cannot_set_cookies_of_others()
  local cookies = jar()
  for _, domain in ipairs {
    "other.com", "com", "w.example.com", "ample.com", "1.2.3.4",
  } do
    lu.assertFalse(cookies:store("http://example.com/",
      "a=1; Domain=" .. domain), domain)
  end
  lu.assertFalse(cookies:store("http://1.2.3.4/", "a=1; Domain=3.4"))
  lu.assertTrue(cookies:store("http://1.2.3.4/", "a=1; Domain=1.2.3.4"))
  lu.assertTrue(cookies:store("http://localhost/", "a=2; Domain=localhost"))
  lu.assertTrue(cookies:store("http://a.Example.com/",
    "a=3; Domain=.exAmple.com"))
  lu.assertEquals(cookies:header "http://EXAMPLE.com/", "a=3")
end

function spec.test_names_that_promise_are_held_to_it()
  local cookies = jar()
  lu.assertFalse(cookies:store("https://h.x/", "__Secure-a=1"))
  lu.assertTrue(cookies:store("https://h.x/", "__Secure-a=1; Secure"))
  lu.assertFalse(cookies:store("https://h.x/p/", "__Host-a=1; Secure"))
  lu.assertFalse(cookies:store("https://h.x/",
    "__Host-a=1; Secure; Path=/; Domain=h.x"))
  lu.assertTrue(cookies:store("https://h.x/", "__Host-a=1; Secure; Path=/"))
end

function spec.test_what_is_no_cookie_is_not_stored()
  local cookies = jar()
  for _, field in ipairs {
    "", "a", "=b", ";", "a=b\0", "a=b\r\nc", "a=" .. ("x"):rep(5000),
  } do
    lu.assertFalse(cookies:store("http://h.x/", field), field)
  end
  lu.assertFalse(cookies:store("mailto:x", "a=1"))
  lu.assertFalse(cookies:store("no url", "a=1"))
  lu.assertEquals(cookies:cookies(), {})
end

function spec.test_ages_count_before_dates()
  local cookies = jar()
  local past = "Thu, 01 Jan 1970 00:00:10 GMT"
  cookies:store("http://h.x/", "a=1; Max-Age=100; Expires=" .. past)
  lu.assertEquals(cookies:header "http://h.x/", "a=1")
  lu.assertAlmostEquals(cookies:cookies()[1].expires, os.time() + 100, 2)
  cookies:store("http://h.x/", "a=1; Max-Age=0; Expires="
    .. date.format(os.time() + 1000))
  lu.assertNil(cookies:header "http://h.x/")
  cookies:store("http://h.x/", "a=1; Max-Age=soon")
  lu.assertEquals(cookies:cookies()[1].expires, math.huge)
end

function spec.test_dates_are_read_as_servers_write_them()
  local cookies = jar()
  local year = os.date("!%Y") + 1
  for _, text in ipairs {
    "Wed, 09 Jun %d 10:18:14 GMT", "Wednesday, 09-Jun-%d 10:18:14 GMT",
    "Wed Jun  9 10:18:14 %d", "9 june %d 10:18:14", "10:18:14 %d jUn 9",
  } do
    local field = "a=1; expires=" .. text:format(year)
    cookies:store("http://h.x/", field)
    lu.assertEquals(cookies:cookies()[1].expires,
      date.seconds(year, 6, 9, 10, 18, 14), field)
  end
  for _, text in ipairs {
    "tomorrow", "9 Jun 1600 1:1:1", "31 Jun 2999 1:1:1",
  } do
    cookies:store("http://h.x/", "a=1; expires=" .. text)
    lu.assertEquals(cookies:cookies()[1].expires, math.huge, text)
  end
end

function spec.test_a_hostile_server_cannot_fill_the_jar()
  local cookies = jar()
  for i = 1, 200 do
    cookies:store("http://h.x/", ("c%d=1"):format(i))
  end
  lu.assertEquals(#cookies:cookies(), 50)
  lu.assertStrContains(cookies:header "http://h.x/", "c200=1")
end

function spec.test_a_jar_can_be_kept()
  local cookies = jar()
  cookies:store("http://h.x/", "a=1; Path=/; Max-Age=1000")
  cookies:store("http://h.x/", "b=2; Domain=h.x")
  local again = jar(cookies:cookies())
  lu.assertEquals(again:header "http://h.x/", "a=1; b=2")
  raises("bad argument #1 to 'header' (miniloop.http.jar expected",
    function() again.header("http://h.x/") end)
end

return spec
