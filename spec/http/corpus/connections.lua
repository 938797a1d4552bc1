-- Connections, pipelines and expectations: RFC 9112, 9; RFC 9110, 7.6.1,
-- 10.1.1.

local cases = {}

local function get(name, section, fields, statuses, version)
  table.insert(cases, { name, section, "GET / HTTP/" .. (version or "1.1")
    .. "\r\nHost: a\r\n" .. fields .. "\r\n", statuses,
    statuses:find("^200") and "GET / " or nil })
end

get("nothing is said: it stays", "9112 9.3", "", "200+")
get("keep-alive", "9112 9.3", "Connection: keep-alive\r\n", "200+")
get("close", "9112 9.6", "Connection: close\r\n", "200")
get("close in capitals", "9110 7.6.1", "Connection: CLOSE\r\n", "200")
get("close in a list", "9110 7.6.1", "Connection: te, close\r\n", "200")
get("close in another field", "9110 7.6.1",
  "Connection: te\r\nConnection: close\r\n", "200")
get("close and keep-alive", "9112 9.3", "Connection: keep-alive, close\r\n",
  "200")
get("another option", "9110 7.6.1", "Connection: closed\r\n", "200+")
get("an empty option", "9110 5.6.1", "Connection: ,\r\n", "200+")
get("HTTP/1.0", "9112 9.3", "", "200", "1.0")
get("HTTP/1.0 with keep-alive", "9112 9.3", "Connection: keep-alive\r\n",
  "200+", "1.0")
get("HTTP/1.0 with Keep-Alive", "9112 9.3", "Connection: Keep-Alive\r\n",
  "200+", "1.0")
get("HTTP/1.0 with close", "9112 9.3", "Connection: close\r\n", "200", "1.0")
get("an upgrade that is not known is ignored", "9110 7.8",
  "Connection: Upgrade\r\nUpgrade: foo/2\r\n", "200+")
get("a length of 0 in a GET", "9110 8.6", "Content-Length: 0\r\n", "200+")
get("another expectation", "9110 10.1.1", "Expect: the-spanish\r\n", "417")
get("an expectation and more", "9110 10.1.1", "Expect: 100-continue, x\r\n",
  "417")
get("an expectation of HTTP/1.0", "9110 10.1.1", "Expect: 100-continue\r\n",
  "200", "1.0")
get("an expectation without a body", "9110 10.1.1", "Expect: 100-continue\r\n",
  "200+")

local function pipeline(name, requests, statuses)
  table.insert(cases, { name, "9112 9.3.2", table.concat(requests), statuses })
end

local plain = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
local posted = "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
local chunked = "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked"
  .. "\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
local bad = "GET /4 HTTP/1.1\r\n\r\n"
local last = "GET /5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

pipeline("three requests", { plain, plain, plain }, "200 200 200+")
pipeline("with bodies", { posted, chunked, posted }, "200 200 200+")
pipeline("an empty line behind a body", { posted, "\r\n", plain }, "200 200+")
pipeline("a bad one in the middle", { plain, bad, plain }, "200 400")
pipeline("a last one in the middle", { plain, last, plain }, "200 200")
pipeline("a body that nobody reads", {
  (posted:gsub("/2", "/unread")), plain }, "200 200+")
pipeline("chunks that nobody reads", {
  (chunked:gsub("/3", "/unread")), plain }, "200 200+")
pipeline("bad chunks that nobody reads", {
  (chunked:gsub("/3", "/unread"):gsub("5\r\nh", "x\r\nh")), plain }, "200")
pipeline("a hundred requests", { plain:rep(100) },
  ("200 "):rep(99) .. "200+")
table.insert(cases, { "it ends before a request", "9112 9.6", "", "",
  cut = true })
table.insert(cases, { "it ends behind an empty line", "9112 9.6", "\r\n",
  "400", cut = true })

return cases
