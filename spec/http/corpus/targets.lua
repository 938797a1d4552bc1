-- Targets and hosts: RFC 9112, 3.2; RFC 9110, 4.2, 7.2; RFC 3986, 3.

local cases = {}

local function target(text, statuses, says, section, method)
  local line = (method or "GET") .. " " .. text .. " HTTP/1.1"
  table.insert(cases, { "target of " .. (method or "GET") .. ": " .. text,
    section or "9112 3.2.1", line .. "\r\nHost: a\r\n\r\n", statuses, says })
end

-- in origin form
target("/", "200+", "GET / ")
target("/a/b/c", "200+", "GET /a/b/c ")
target("/a?b=c", "200+", "GET /a ")
target("/a?", "200+", "GET /a ")
target("/?", "200+", "GET / ")
target("/a?b?c", "200+", "GET /a ")
target("//a", "200+", "GET //a ")
target("/a//b/", "200+", "GET /a//b/ ")
target("/%41%2f%7e", "200+", "GET /%41%2f%7e ", "3986 2.1")
target("/-._~!$&'()*+,;=:@", "200+", "GET /-._~!$&'()*+,;=:@ ", "3986 3.3")
target("/a?q=a/b?c:@!$&'()*+,;=", "200+", "GET /a ", "3986 3.4")
target("/../a", "200+", "GET /../a ", "3986 3.3")
target("/a?q=100%", "200+", "GET /a ", "3986 3.4")
target("/%", "400", nil, "3986 2.1")
target("/%4", "400", nil, "3986 2.1")
target("/%zz", "400", nil, "3986 2.1")
target("/%4g", "400", nil, "3986 2.1")
target("/%00", "400", nil, "3986 7.3")
target("/a%00b", "400", nil, "3986 7.3")
target("/a#b", "400", nil, "9112 3.2.1")
target("/a?b#c", "400", nil, "9112 3.2.1")
target("a", "400")
target("a/b", "400")
target("?a", "400")
target("", "400")
for _, sign in ipairs { '"', "<", ">", "\\", "^", "`", "{", "}", "\127",
  "\128", "\195\164", "\1", "\8", "\27" } do
  target("/a" .. sign .. "b", "400", nil, "3986 3.3")
end
for _, sign in ipairs { '"', "<", ">", "\127", "\128", "\1" } do
  target("/a?" .. sign, "400", nil, "3986 3.4")
end

-- in absolute form
target("http://b/", "200+", "GET / ", "9112 3.2.2")
target("http://b", "200+", "GET / ", "9112 3.2.2")
target("http://b:80/a?b", "200+", "GET /a ", "9112 3.2.2")
target("HTTP://b/a", "200+", "GET /a ", "3986 3.1")
target("https://b/a", "200+", "GET /a ", "9112 3.2.2")
target("http://b?c", "200+", "GET / ", "9112 3.2.2")
target("http://[::1]:8000/", "200+", "GET / ", "3986 3.2.2")
target("http://127.0.0.1/", "200+", "GET / ", "3986 3.2.2")
target("http:///a", "400", nil, "9110 4.2.1")
target("http://", "400", nil, "9110 4.2.1")
target("http:/a", "400", nil, "9110 4.2.1")
target("http:a", "400", nil, "9110 4.2.1")
target("http://:80/", "400", nil, "9110 4.2.1")
target("http://a:b/", "400", nil, "3986 3.2.3")
target("http://a:65536/", "400", nil, "3986 3.2.3")
target("http://a:-1/", "400", nil, "3986 3.2.3")
target("http://user@a/", "400", nil, "9110 4.2.4")
target("http://user:word@a/", "400", nil, "9110 4.2.4")
target("http://a\\@b/", "400", nil, "3986 3.2.2")
target("http://[::1/", "400", nil, "3986 3.2.2")
target("http://[]/", "400", nil, "3986 3.2.2")
target("ftp://a/", "400", nil, "9110 4.2")
target("file:///etc/passwd", "400", nil, "9110 4.2")
target("javascript:alert(1)", "400", nil, "9110 4.2")
target("://a/", "400", nil, "3986 3.1")

-- in authority form and in asterisk form
target("a:80", "501", nil, "9112 3.2.3", "CONNECT")
target("[::1]:80", "501", nil, "9112 3.2.3", "CONNECT")
target("a", "400", nil, "9112 3.2.3", "CONNECT")
target("a:", "400", nil, "9112 3.2.3", "CONNECT")
target(":80", "400", nil, "9112 3.2.3", "CONNECT")
target("a:99999", "400", nil, "9112 3.2.3", "CONNECT")
target("/", "400", nil, "9112 3.2.3", "CONNECT")
target("http://a/", "400", nil, "9112 3.2.3", "CONNECT")
target("*", "400", nil, "9112 3.2.3", "CONNECT")
target("a:80", "400", nil, "9112 3.2.3")
target("*", "204+", nil, "9112 3.2.4", "OPTIONS")
target("*", "400", nil, "9112 3.2.4")
target("*", "400", nil, "9112 3.2.4", "POST")
target("**", "400", nil, "9112 3.2.4", "OPTIONS")
target("*/a", "400", nil, "9112 3.2.4", "OPTIONS")
target("/a", "200+", "OPTIONS /a ", "9112 3.2.4", "OPTIONS")

-- hosts
local function host(fields, statuses, version)
  table.insert(cases, { (version or "1.1") .. " with " .. fields, "9112 3.2",
    "GET / HTTP/" .. (version or "1.1") .. "\r\n" .. fields .. "\r\n",
    statuses })
end

host("Host: a\r\n", "200+")
host("Host: a.b.c:8080\r\n", "200+")
host("Host: [::1]:8080\r\n", "200+")
host("Host:\r\n", "200+")
host("Host: a:\r\n", "200+")
host("HOST: a\r\n", "200+")
host("hOsT:a\r\n", "200+")
host("", "400")
host("", "200", "1.0")
host("Host: a\r\n", "200", "1.0")
host("Host: a\r\nHost: a\r\n", "400")
host("Host: a\r\nHost: b\r\n", "400")
host("Host: a\r\nhost: b\r\n", "400")
host("Host: a\r\nHost: a\r\n", "400", "1.0")
host("Host: a b\r\n", "400")
host("Host: a, b\r\n", "400")
host("Host: a/b\r\n", "400")
host("Host: a@b\r\n", "400")
host("Host: http://a\r\n", "400")
host("Host: a:b\r\n", "400")
host("Host: a:80:80\r\n", "400")
host("Host: a:-80\r\n", "400")
host("Host: a:999999\r\n", "400")
host("Host: [::1\r\n", "400")
host("Host: ::1\r\n", "400")
host("Host: a#b\r\n", "400")
host("Host: a?b\r\n", "400")
host("Host: \128\r\n", "400")

return cases
