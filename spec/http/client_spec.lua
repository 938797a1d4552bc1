-- http.get and its kin: what goes out, what comes back.

local command = require "spec.support.command"
local http = require "miniloop.http"
local json = require "miniloop.json"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local peer = require "spec.support.http_peer"
local raises = require "spec.support.raises"

local spec = {}

-- Serves with a text that shows the request; gives what `f` gets.
local function with_mirror(f)
  local url, server <close> = peer.serve(function(conn, head, body)
    local answer = peer.answer(head .. "\n\n" .. body)
    conn:write(head:find("^HEAD") and answer:match("^.-\r\n\r\n") or answer)
  end)
  local client <close> = peer.client()
  return f(client, url, server:address())
end

-- ------------------------------------------------------------------ requests

function spec.test_a_get_is_an_address_and_an_answer()
  local url, server <close> = peer.serve(function(conn)
    conn:write(peer.answer("hello",
      "Content-Type: text/x\r\nA: 1\r\nA: 2\r\n"))
  end)
  local client <close> = peer.client()
  local res = client:get(url)
  lu.assertEquals({ res.status, res.ok, res.reason, res.body, res.url },
    { 200, true, "OK", "hello", url .. "/" })
  lu.assertEquals(res.headers["Content-TYPE"], "text/x")
  lu.assertEquals(res.headers.a, "1, 2")
  lu.assertEquals(tostring(res), "response: 200 " .. url .. "/")
  lu.assertNotNil(server)
end

function spec.test_the_head_is_what_the_rfc_asks_for()
  with_mirror(function(client, url, address)
    local head = client:get(url .. "/a/b?c=d#e").body
    lu.assertEquals(head:match("^[^\n]*\n[^\n]*"),
      "GET /a/b?c=d HTTP/1.1\nHost: " .. address)
    local lines = client:get(url, {
      headers = { ["user-agent"] = "me", accept = false, x = { 1, "2" } },
    }).body
    lu.assertStrContains(lines, "\nuser-agent: me\n")
    lu.assertStrContains(lines, "\nx: 1\nx: 2\n")
    lu.assertNotStrContains(lines, "Accept: ")
    lu.assertNotStrContains(lines, "User-Agent")
    lu.assertStrContains(client:get(url, { headers = { host = "other" } }).body,
      "GET / HTTP/1.1\nHost: other\n")
  end)
end

function spec.test_methods_are_functions_and_any_other_can_be_named()
  with_mirror(function(client, url)
    client:head(url)
    for _, name in ipairs { "get", "post", "put", "patch", "delete" } do
      lu.assertEquals(client[name](client, url).body:match("^%S+"),
        name:upper())
    end
    lu.assertEquals(client:head(url).body, "")
    lu.assertEquals(client:request { url = url, method = "purge" }
      .body:match("^%S+"), "PURGE")
    lu.assertEquals(client:request { url = url }.body:match("^%S+"), "GET")
  end)
end

function spec.test_bodies_are_text_json_and_forms()
  with_mirror(function(client, url)
    local function sent(options)
      return client:post(url, options).body
    end
    lu.assertStrContains(sent { body = "text" }, "Content-Length: 4")
    lu.assertStrContains(sent { body = "text" }, "\n\ntext")
    lu.assertStrContains(sent {}, "Content-Length: 0")
    lu.assertStrContains(sent { json = { a = { 1 } } },
      "Content-Type: application/json\n")
    lu.assertStrContains(sent { json = { a = { 1 } } }, '\n\n{"a":[1]}')
    lu.assertStrContains(sent { json = json.null }, "\n\nnull")
    lu.assertStrContains(sent { form = { a = "b c", d = { 1, 2 } } },
      "Content-Type: application/x-www-form-urlencoded\n")
    lu.assertStrContains(sent { form = { a = "b c", d = { 1, 2 } } },
      "\n\na=b+c&d=1&d=2")
    local own = sent { json = 1, headers = { ["content-type"] = "x/y" } }
    lu.assertStrContains(own, "content-type: x/y\n")
    lu.assertNotStrContains(own, "application/json")
  end)
end

function spec.test_a_form_can_have_files()
  with_mirror(function(client, url)
    local body = client:post(url, { multipart = {
      { name = "a", data = "1" },
      { name = 'f"\r\n', data = "\0\r\n--", filename = "x.png" },
      { name = "g", data = "", filename = "y", type = "text/plain" },
    } }).body
    local boundary = body:match("multipart/form%-data; boundary=(%S+)")
    lu.assertEquals(body:match("\n\n(.*)$"), table.concat {
      "--", boundary, '\r\nContent-Disposition: form-data; name="a"\r\n\r\n1',
      "\r\n--", boundary, '\r\nContent-Disposition: form-data; ',
      'name="f%22%0D%0A"; filename="x.png"\r\nContent-Type: image/png\r\n\r\n',
      "\0\r\n--\r\n--", boundary,
      '\r\nContent-Disposition: form-data; name="g"; filename="y"\r\n',
      "Content-Type: text/plain\r\n\r\n\r\n--", boundary, "--\r\n",
    })
  end)
end

function spec.test_a_query_is_added_to_the_url()
  with_mirror(function(client, url)
    local function target(text, query)
      return client:get(url .. text, { query = query }).body:match("%S+ (%S+)")
    end
    lu.assertEquals(target("/x", { q = "a b" }), "/x?q=a+b")
    lu.assertEquals(target("/x?y=1#z", { q = 1 }), "/x?y=1&q=1")
    lu.assertEquals(target("?", "raw"), "/?raw")
    lu.assertEquals(target("/ü b?[]", nil), "/%C3%BC%20b?%5B%5D")
  end)
end

function spec.test_users_in_urls_are_named_by_a_field()
  with_mirror(function(client, _, address)
    local res = client:get("http://Aladdin:open%20sesame@" .. address)
    lu.assertStrContains(res.body,
      "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
    lu.assertNotStrContains(res.url, "Aladdin")
    lu.assertStrContains(client:get("http://a@" .. address).body,
      "Authorization: Basic YTo=")
    lu.assertNotStrContains(client:get("http://" .. address).body,
      "Authorization")
  end)
end

function spec.test_a_client_has_a_base_and_options()
  with_mirror(function(_, url)
    local client <close> = peer.client {
      base = url .. "/api/v1/", headers = { ["X-Key"] = "k", a = "1" },
    }
    local res = client:get("users?x", { headers = { A = "2" } })
    lu.assertStrContains(res.body, "GET /api/v1/users?x HTTP/1.1\n")
    lu.assertStrContains(res.body, "X-Key: k\n")
    lu.assertStrContains(res.body, "A: 2\n")
    lu.assertNotStrContains(res.body, "a: 1")
    lu.assertStrContains(client:get("/root").body, "GET /root HTTP/1.1\n")
    lu.assertStrContains(client:get(url .. "/x").body, "GET /x HTTP/1.1\n")
  end)
end

-- ------------------------------------------------------------------- answers

function spec.test_json_is_read_from_an_answer()
  local url, server <close> = peer.serve(function(conn, head)
    conn:write(peer.answer(head:find("/bad") and "{" or '{"id":17}'))
  end)
  local client <close> = peer.client()
  lu.assertEquals(client:get(url):json(), { id = 17 })
  lu.assertEquals(client:get(url, { stream = true }):json(), { id = 17 })
  local value, err = client:get(url .. "/bad"):json()
  lu.assertNil(value)
  lu.assertEquals({ err.code, err.op, err.address },
    { "EBADMSG", "decode", url .. "/bad" })
  lu.assertNotNil(server)
end

function spec.test_a_status_is_no_error()
  local url, server <close> = peer.serve(function(conn)
    conn:write(peer.answer("no", nil, "404 Not Found"))
  end)
  local client <close> = peer.client()
  local res, err = client:get(url)
  lu.assertNil(err)
  lu.assertEquals({ res.status, res.ok, res.body }, { 404, false, "no" })
  lu.assertNotNil(server)
end

function spec.test_bodies_end_by_length_chunks_or_the_connection()
  local answers = {
    ["/length"] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ["/chunks"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nA: b\r\n\r\n",
    ["/close"] = "HTTP/1.1 200 OK\r\n\r\nhello",
    ["/old"] = "HTTP/1.0 200 OK\r\n\r\nhello",
    ["/interim"] = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n"
      .. "Link: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
  }
  local url, server <close> = peer.serve(function(conn, head)
    conn:write(answers[head:match("%S+ (%S+)")])
    return false
  end)
  local client <close> = peer.client()
  for path in pairs(answers) do
    local res, err = client:get(url .. path)
    lu.assertEquals({ res and res.status, res and res.body, err },
      { 200, "hello" }, path)
  end
  lu.assertNotNil(server)
end

function spec.test_answers_without_a_body_have_none()
  local heads = {
    ["204 No Content"] = "", ["304 Not Modified"] = "Content-Length: 100\r\n",
  }
  for status, fields in pairs(heads) do
    local url, server <close> = peer.serve(function(conn)
      conn:write("HTTP/1.1 ", status, "\r\n", fields, "\r\n")
    end)
    local client <close> = peer.client()
    for _ = 1, 2 do
      lu.assertEquals(client:get(url).body, "", status)
    end
    lu.assertNotNil(server)
  end
  local url, server <close> = peer.serve(function(conn)
    conn:write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
  end)
  local client <close> = peer.client()
  for _ = 1, 2 do
    lu.assertEquals(client:head(url).headers["content-length"], "9")
  end
  lu.assertNotNil(server)
end

-- ------------------------------------------------------------------- cookies

function spec.test_cookies_are_kept_if_asked_for()
  local url, server <close> = peer.serve(function(conn, head)
    conn:write(peer.answer(head:match("\nCookie: ([^\n]*)") or "none",
      "Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2; Path=/x\r\n"))
  end)
  local client <close> = peer.client { cookies = true }
  lu.assertEquals(client:get(url).body, "none")
  lu.assertEquals(client:get(url).body, "a=1")
  lu.assertEquals(client:get(url .. "/x/y").body, "b=2; a=1")
  local again <close> = peer.client { cookies = client.cookies }
  lu.assertEquals(again:get(url).body, "a=1")
  local own = client:get(url, { headers = { cookie = "c=3" } })
  lu.assertEquals(own.body, "none") -- it is spelt as the user spelt it
  local none <close> = peer.client()
  none:get(url)
  lu.assertEquals(none:get(url).body, "none")
  lu.assertNotNil(server)
end

-- --------------------------------------------------------------- wrong use

-- C2.1
function spec.test_wrong_use_raises_at_the_caller_s_line()
  local client <close> = peer.client()
  raises("has no field 'timeot'; did you mean 'timeout'?",
    function() client:get("http://x/", { timeot = 1 }) end)
  raises("bad argument #1 to 'get' (string expected, got nil)",
    function() http.get(nil) end)
  raises("bad option 'timeout' of 'get' (number expected, got string)",
    function() http.get("http://x/", { timeout = "1" }) end)
  raises("bad option 'timeout' (a number from 0 expected)",
    function() http.get("http://x/", { timeout = 0 / 0 }) end)
  raises("the options 'body' and 'json' exclude each other",
    function() http.post("http://x/", { body = "", json = 1 }) end)
  raises("bad option 'body' (a string, a function or a stream expected)",
    function() http.post("http://x/", { body = 1 }) end)
  raises("bad option 'body' (a string, a function or a stream expected)",
    function() http.post("http://x/", { body = { a = 1 } }) end)
  raises("JSON has no function",
    function() http.post("http://x/", { json = print }) end)
  raises("'A B' is no method",
    function() http.request { url = "http://x/", method = "a b" } end)
  raises("the body does not have the Content-Length",
    function() http.post("http://x/", { body = "a",
      headers = { ["content-length"] = 2 } }) end)
  raises("'Transfer-Encoding' is not for scripts",
    function() http.post("http://x/", { body = "a",
      headers = { ["transfer-encoding"] = "chunked" } }) end)
  raises("has no field 'gett'; did you mean 'get'?",
    function() http.gett("http://x/") end)
  raises("bad option 'limit' (an integer from 1 expected)",
    function() http.client { limit = 0 } end)
end

function spec.test_fields_that_would_split_a_request_are_refused()
  local client <close> = peer.client()
  for _, headers in ipairs {
    { a = "b\r\nc: d" }, { a = "b\nc" }, { ["a b"] = "c" }, { ["a\r\n"] = "c" },
    { a = "b\0" }, { host = "a\r\nb: c" }, { [""] = "x" }, { a = { "b\r" } },
    { ["a:"] = "b" },
  } do
    raises("bad argument #2 to 'get'",
      function() client:get("http://127.0.0.1:1/", { headers = headers }) end)
  end
  local _, err = client:get("http://127.0.0.1:1/a\r\nX: y")
  lu.assertEquals(err.code, "ECONNREFUSED") -- the path is coded
  _, err = client:get("http://127.0.0.1:1\r\nX: y/")
  lu.assertEquals(err.code, "EINVAL")
end

-- C2.2
function spec.test_the_world_s_failures_are_told()
  local client <close> = peer.client()
  local cases = {
    ["http://127.0.0.1:1/"] = { "ECONNREFUSED", "connect" },
    ["127.0.0.1:1/"] = { "EINVAL", "request" },
    ["http://"] = { "EINVAL", "request" },
    ["http:///x"] = { "EINVAL", "request" },
    ["ftp://h/"] = { "EPROTONOSUPPORT", "request" },
    ["http://h:99999/"] = { "EINVAL", "request" },
    ["http://h o/"] = { "EINVAL", "request" },
    ["http://[::1/"] = { "EINVAL", "request" },
  }
  for url, expected in pairs(cases) do
    local res, err = client:get(url)
    lu.assertNil(res)
    lu.assertTrue(ml.iserror(err), url)
    lu.assertEquals({ err.code, err.op }, expected, url)
  end
end

function spec.test_another_address_may_be_connected_to()
  local path = os.tmpname()
  os.remove(path)
  local server <close> = assert(net.serve("unix:" .. path, function(conn)
    conn:write(peer.answer(peer.read_head(conn)))
  end))
  local client <close> = peer.client { connect = "unix:" .. path }
  lu.assertStrContains(client:get("http://docker/info").body,
    "GET /info HTTP/1.1\nHost: docker\n")
  local url, second <close> = peer.serve(function(conn, head)
    conn:write(peer.answer(head))
  end)
  local res = client:get("http://other/", {
    connect = { host = "127.0.0.1", port = tonumber(url:match("%d+$")) },
  })
  lu.assertStrContains(res.body, "Host: other\n")
  lu.assertNotNil(server)
  lu.assertNotNil(second)
end

local crawl = [[
local ml, http = require "miniloop", require "miniloop.http"
local pages = ml.map(arg, function(url)
  local res, err = http.get(url, { timeout = 2 })
  return url .. " " .. (res and res.status .. " " .. #res.body or tostring(err))
end, { limit = 10 })
for i = 1, pages.n do print(pages[i]) end
]]

-- The connections that are kept do not keep the script from ending.
function spec.test_a_script_that_fetches_ends_when_it_has_fetched()
  local url, server <close> = peer.serve(function(conn)
    conn:write(peer.answer("hello"))
  end)
  command.with_file(crawl, function(path)
    local process <close> = command.start({ path, url, "http://127.0.0.1:1" },
      { shell = "no_proxy=127.0.0.1; export no_proxy" })
    local out <close> = assert(net.stream(process.pipe))
    local lines = out:read("a")
    lu.assertStrContains(lines, url .. " 200 5\n")
    lu.assertStrContains(lines, "http://127.0.0.1:1 connect 127.0.0.1:1: ")
  end)
  lu.assertNotNil(server)
end

-- C5.8
function spec.test_pages_are_fetched_with_a_limit()
  local url, server <close> = peer.serve(function(conn, head)
    conn:write(peer.answer(("x"):rep(tonumber(head:match("/(%d+)")))))
  end)
  local list = { url .. "/3", "http://127.0.0.1:1/", url .. "/10" }
  local pages = ml.map(list, function(page)
    local res, err = http.get(page, { timeout = 2, proxy = false })
    return page .. " " .. (res and res.status .. " " .. #res.body
      or tostring(err))
  end, { limit = 10 })
  lu.assertEquals(pages[1], url .. "/3 200 3")
  lu.assertStrContains(pages[2], "ECONNREFUSED")
  lu.assertEquals(pages[3], url .. "/10 200 10")
  http.close()
  lu.assertNotNil(server)
end

-- Errors end up in logs.
function spec.test_errors_do_not_tell_a_password()
  for _, url in ipairs { "http://me:secret@a b/", "ftp://me:secret@a/",
    "http://me:sec@ret@[::1/", "http://me:secret@127.0.0.1:1/" } do
    local res, err = http.get(url)
    lu.assertNil(res)
    lu.assertNotStrContains(tostring(err), "sec")
  end
end

return spec
