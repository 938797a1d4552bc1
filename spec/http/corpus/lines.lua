-- Request lines: RFC 9112, 2.2, 2.3, 3; RFC 9110, 9.1, 15.5.15, 15.6.6.
--
-- A case is { name, section, bytes, statuses [, says] }: the statuses of all
-- answers, where "+" at the end stands for that of a request that was sent
-- right behind the case, and must have been found there; `says` is what the
-- first answer repeats of the request: method, path and body.

local host = "\r\nHost: a\r\n\r\n"

local cases = {
  { "a plain request", "9112 3", "GET / HTTP/1.1" .. host, "200+", "GET / " },
  { "HTTP/1.0 ends with its answer", "9112 9.3", "GET / HTTP/1.0\r\n\r\n",
    "200", "GET / " },
  { "one empty line before is ignored", "9112 2.2",
    "\r\nGET / HTTP/1.1" .. host, "200+", "GET / " },
  { "two empty lines are no request", "9112 2.2",
    "\r\n\r\nGET / HTTP/1.1" .. host, "400" },
  { "an empty line with LF alone", "9112 2.2", "\nGET / HTTP/1.1" .. host,
    "400" },
  { "an empty line with CR alone", "9112 2.2", "\rGET / HTTP/1.1" .. host,
    "400" },
  { "two spaces behind the method", "9112 3", "GET  / HTTP/1.1" .. host,
    "400" },
  { "two spaces behind the target", "9112 3", "GET /  HTTP/1.1" .. host,
    "400" },
  { "a space at the end", "9112 3", "GET / HTTP/1.1 " .. host, "400" },
  { "a space at the start", "9112 3", " GET / HTTP/1.1" .. host, "400" },
  { "a tab for a space", "9112 3", "GET\t/ HTTP/1.1" .. host, "400" },
  { "a tab behind the target", "9112 3", "GET /\tHTTP/1.1" .. host, "400" },
  { "a vertical tab for a space", "9112 3", "GET\v/ HTTP/1.1" .. host, "400" },
  { "a form feed for a space", "9112 3", "GET / \fHTTP/1.1" .. host, "400" },
  { "no version", "9112 3", "GET /" .. host, "400" },
  { "no target", "9112 3", "GET HTTP/1.1" .. host, "400" },
  { "no method", "9112 3", "/ HTTP/1.1" .. host, "400" },
  { "a method alone", "9112 3", "GET" .. host, "400" },
  { "four words", "9112 3", "GET / x HTTP/1.1" .. host, "400" },
  { "LF alone ends the line", "9112 2.2",
    "GET / HTTP/1.1\nHost: a\r\n\r\n", "400" },
  { "CR alone ends the line", "9112 2.2",
    "GET / HTTP/1.1\rHost: a\r\n\r\n", "400" },
  { "CR CR LF ends the line", "9112 2.2",
    "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "400" },
  { "LF alone everywhere", "9112 2.2", "GET / HTTP/1.1\nHost: a\n\n", "400" },
  { "NUL in the line", "9112 3", "GET /\0 HTTP/1.1" .. host, "400" },
  { "NUL in the method", "9110 9.1", "G\0T / HTTP/1.1" .. host, "400" },
  { "NUL in the version", "9112 2.3", "GET / HTTP/1.\0" .. host, "400" },
  { "a method of our own", "9110 9.1", "BREW / HTTP/1.1" .. host, "200+",
    "BREW / " },
  { "methods tell case apart", "9110 9.1", "get / HTTP/1.1" .. host, "200+",
    "get / " },
  { "a method of all signs of a token", "9110 9.1",
    "!#$%&'*+-.^_`|~09Az / HTTP/1.1" .. host, "200+",
    "!#$%&'*+-.^_`|~09Az / " },
  { "bytes of TLS", "9112 3", "\22\3\1\0\200\1\0\0\196\3\3\r\n\r\n", "400" },
  { "the preface of HTTP/2", "9110 15.6.6",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505" },
}

for _, sign in ipairs { "(", ")", ",", "/", ":", ";", "<", "=", ">", "?", "@",
  "[", "\\", "]", "{", "}", '"', "\127", "\128", "\255" } do
  table.insert(cases, { ("byte 0x%02X in a method"):format(sign:byte()),
    "9110 5.6.2", "G" .. sign .. "T / HTTP/1.1" .. host, "400" })
end

for version, status in pairs {
  ["HTTP/2.0"] = "505", ["HTTP/0.9"] = "505", ["HTTP/1.2"] = "505",
  ["HTTP/1.9"] = "505", ["HTTP/9.9"] = "505", ["HTTP/1"] = "400",
  ["HTTP/1."] = "400", ["HTTP/.1"] = "400", ["HTTP/1.10"] = "400",
  ["HTTP/01.1"] = "400", ["HTTP/1.01"] = "400", ["HTTP/1,1"] = "400",
  ["HTTP/11"] = "400", ["http/1.1"] = "400", ["Http/1.1"] = "400",
  ["HTTP/-1.1"] = "400", ["HTTP/+1.1"] = "400", ["HTTP/1.1x"] = "400",
  ["HTTP/1.x"] = "400", ["HTTP/0x1.1"] = "400", ["HTTP /1.1"] = "400",
  ["HTTP/ 1.1"] = "400", ["XHTTP/1.1"] = "400", ["HTTPS/1.1"] = "400",
  ["ICY/1.1"] = "400", ["\"HTTP/1.1\""] = "400",
} do
  table.insert(cases, { "the version " .. version,
    "9112 2.3", "GET / " .. version .. host, status })
end

return cases
