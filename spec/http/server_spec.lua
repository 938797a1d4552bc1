-- The server: what handlers answer, and what becomes of their errors.

local lu = require "luaunit"
local ml = require "miniloop"
local http = require "miniloop.http"
local net = require "miniloop.net"
local command = require "spec.support.command"
local raises = require "spec.support.raises"
local wire = require "spec.http.wire"

local spec = {}

local free = "127.0.0.1:0"
local server

function spec.after_each()
  if server then
    server:stop(0)
    server = nil
  end
end

local function serve(routes, options)
  server = assert(http.serve(free, routes, options))
  return server:address()
end

-- The answers to requests that are given as text without versions and hosts:
-- "GET /a", or { "POST /a", "Name: value", body = "text" }.
local function text_of(request)
  if type(request) == "string" then
    request = { request }
  end
  local lines = { request[1] .. " HTTP/1.1", "Host: a",
    table.unpack(request, 2) }
  if request.body then
    table.insert(lines, "Content-Length: " .. #request.body)
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (request.body or "")
end

local function ask(address, ...)
  local texts = {}
  for i, request in ipairs { ... } do
    texts[i] = text_of(request)
  end
  local text = wire.exchange(address, table.concat(texts))
  local method = type(...) == "string" and (...):match("^%u+") or nil
  return table.unpack(wire.answers(text, method))
end

local function field(answer, name)
  return answer.head:match("\r\n" .. name:gsub("%-", "%%-") .. ": (.-)\r\n")
end

-- What the handler's results are answered with: status, type and body.
local function answered(...)
  local results = table.pack(...)
  local answer = ask(serve {
    ["GET /"] = function()
      return table.unpack(results, 1, results.n)
    end,
  }, "GET /")
  server:stop(0)
  return answer.status, field(answer, "Content-Type"), answer.body, answer
end

local plain = "text/plain; charset=utf-8"

-- -------------------------------------------------------- what is returned

function spec.test_a_string_is_text()
  local status, media_type, body = answered("hello")
  lu.assertEquals({ status, media_type, body }, { "200", plain, "hello" })
end

function spec.test_a_string_that_begins_as_html_is_html()
  for _, text in ipairs { "<!DOCTYPE html><p>", "<html>", "\n <!doctype html>" }
  do
    lu.assertEquals(select(2, answered(text)), "text/html; charset=utf-8")
  end
  lu.assertEquals(select(2, answered("<p>text")), plain)
end

function spec.test_an_integer_is_a_status()
  local status, _, body = answered(404)
  lu.assertEquals({ status, body }, { "404", "Not Found\n" })
  status, _, body = answered(201, "made")
  lu.assertEquals({ status, body }, { "201", "made" })
end

function spec.test_a_status_without_a_body_has_none()
  local status, _, body, answer = answered(204)
  lu.assertEquals({ status, body }, { "204", "" })
  lu.assertNil(field(answer, "Content-Length"))
end

function spec.test_fields_are_the_third_result()
  local _, media_type, _, answer = answered(200, "x", {
    ["content-type"] = "text/css", ["X-A"] = 1, ["X-B"] = { "c", "d" },
    ["X-E"] = false,
  })
  lu.assertEquals(media_type, nil)
  lu.assertEquals(field(answer, "content-type"), "text/css")
  lu.assertEquals(field(answer, "X-A"), "1")
  lu.assertStrContains(answer.head, "X-B: c\r\nX-B: d\r\n")
  lu.assertNil(field(answer, "X-E"))
end

function spec.test_a_function_is_a_body_piece_by_piece()
  local pieces = { "a", "bc", "", "d" }
  local i = 0
  local status, _, body, answer = answered(200, function()
    i = i + 1
    ml.yield()
    return pieces[i]
  end)
  lu.assertEquals({ status, body }, { "200", "abcd" })
  lu.assertEquals(field(answer, "Transfer-Encoding"), "chunked")
end

function spec.test_a_function_that_fails_leaves_the_answer_without_its_end()
  local errors = {}
  local address = serve(function()
    local pieces = { "some" }
    return function()
      local piece = table.remove(pieces)
      return piece, not piece and "the source is gone" or nil
    end
  end, { on_error = function(err) table.insert(errors, err) end })
  local text = wire.exchange(address, text_of "GET /")
  lu.assertEquals(text:sub(-9), "4\r\nsome\r\n")
  lu.assertEquals(errors, { "the source is gone" })
end

function spec.test_nothing_is_no_content()
  lu.assertEquals((answered()), "204")
end

function spec.test_an_error_that_is_returned_is_the_answer()
  lu.assertEquals((answered(nil, { status = 410, message = "gone" })), "410")
end

function spec.test_what_is_no_answer_is_an_error_of_the_handler()
  local errors = {}
  local address = serve({ ["GET /"] = function() return true end }, {
    on_error = function(err) table.insert(errors, tostring(err)) end,
  })
  lu.assertEquals(ask(address, "GET /").status, "500")
  lu.assertStrContains(errors[1], "cannot answer with a boolean")
  server:stop(0)
  for _, status in ipairs { 42, 100, 600, -1 } do
    address = serve({ ["GET /"] = function() return status end }, {
      on_error = function(err) errors[1] = tostring(err) end,
    })
    lu.assertEquals(ask(address, "GET /").status, "500")
    lu.assertEquals(errors[1], ("a handler cannot answer with the status %d "
      .. "(200 to 599 expected)"):format(status))
    server:stop(0)
  end
end

-- ------------------------------------------------------------ the response

function spec.test_a_response_is_written_piece_by_piece()
  local answer = ask(serve {
    ["GET /"] = function(_, res)
      res.status = 202
      res.headers["X-A"] = "b"
      lu.assertEquals(res.headers["x-a"], "b")
      res.headers["x-a"] = "c"
      res.trailers = { ["X-T"] = "t" }
      assert(res:write("one "))
      assert(res:write("two ", 3))
    end,
  }, "GET /")
  lu.assertEquals(answer.status, "202")
  lu.assertEquals(field(answer, "X-A"), "c")
  lu.assertEquals(answer.body, "one two 3")
end

-- RFC 9110, 6.5.1
function spec.test_what_frames_a_message_does_not_come_behind_it()
  for name in pairs {
    ["Content-Length"] = 1, ["transfer-encoding"] = 1, Host = 1, Trailer = 1,
    ["Set-Cookie"] = 1, ["CONTENT-TYPE"] = 1,
  } do
    local told
    local text = wire.exchange(serve(function(_, res)
      res:write "text"
      res.trailers = { [name] = "1" }
      res:finish()
    end, { on_error = function(err) told = err end }), text_of "GET /")
    lu.assertStrMatches(text, ".*\r\n\r\n4\r\ntext\r\n")
    lu.assertStrMatches(told, "^spec/http/.-:%d+: the header field "
      .. "'.-' cannot come behind the body$")
    server:stop(0)
  end
end

function spec.test_status_and_fields_of_a_response_count_for_what_is_returned()
  local answer = ask(serve {
    ["GET /"] = function(_, res)
      res.status = 203
      res.headers["X-A"] = "b"
      return "text"
    end,
  }, "GET /")
  lu.assertEquals({ answer.status, field(answer, "X-A"), answer.body },
    { "203", "b", "text" })
end

function spec.test_a_length_that_was_promised_is_kept()
  local reported = {}
  local address = serve({
    ["GET /long"] = function(_, res)
      res.headers["Content-Length"] = 3
      res:write("four")
    end,
    ["GET /short"] = function(_, res)
      res.headers["Content-Length"] = 3
      res:write("tw")
    end,
    ["GET /right"] = function(_, res)
      res.headers["Content-Length"] = 3
      res:write("abc")
    end,
  }, { on_error = function(err) table.insert(reported, tostring(err)) end })
  lu.assertEquals(ask(address, "GET /right").body, "abc")
  wire.exchange(address, text_of "GET /long")
  wire.exchange(address, text_of "GET /short")
  lu.assertStrContains(reported[1], "longer than its Content-Length")
  lu.assertStrContains(reported[2], "shorter than its Content-Length")
end

function spec.test_http_1_0_gets_its_pieces_without_chunks()
  local address = serve {
    ["GET /"] = function(_, res)
      res:write("one ")
      res:write("two")
    end,
  }
  local text = wire.exchange(address, "GET / HTTP/1.0\r\n\r\n")
  lu.assertStrContains(text, "\r\nConnection: close\r\n")
  lu.assertNotStrContains(text, "Transfer-Encoding")
  lu.assertEquals(text:match("\r\n\r\n(.*)$"), "one two")
end

function spec.test_fields_that_would_split_the_message_never_leave()
  local why
  local address = serve({
    ["GET /returned"] = function()
      return 200, "x", { ["X-A"] = "b\r\nX-C: d" }
    end,
    ["GET /written"] = function(_, res)
      res.headers["X-A"] = "b\nc"
      local ok
      ok, why = pcall(res.write, res, "x")
      return ok and "sent" or 400
    end,
    ["GET /name"] = function()
      return 200, "x", { ["X A"] = "b" }
    end,
    ["GET /coding"] = function()
      return 200, "x", { ["Transfer-Encoding"] = "chunked" }
    end,
  }, { on_error = function() end })
  for _, path in ipairs { "/returned", "/name", "/coding" } do
    local answer = ask(address, "GET " .. path)
    lu.assertEquals(answer.status, "500")
    lu.assertNotStrContains(answer.head, "X-C")
  end
  lu.assertEquals(#{ ask(address, "GET /written") }, 1)
  lu.assertStrContains(why, "would split the message")
end

function spec.test_unknown_fields_of_request_and_response_are_misuse()
  local address = serve {
    ["GET /"] = function(req, res)
      raises("did you mean 'headers'", function() return req.header end)
      raises("did you mean 'status'", function() res.statu = 1 end)
      raises("cannot be set", function() req.path = "x" end)
      raises("has no field '1'", function() return req[1] end)
      raises("has no field 'nil'", function() return req[nil] end)
      return "ok"
    end,
  }
  lu.assertEquals(ask(address, "GET /").body, "ok")
end

-- Whoever reads the answer must find the end of it where we have.
function spec.test_a_length_that_can_be_read_in_two_ways_is_not_sent()
  local lengths = {
    ["/other"] = { "", { ["Content-Length"] = 5 } },
    ["/twice"] = { "abc", { ["Content-Length"] = 3, ["content-length"] = 3 } },
    ["/float"] = { "abc", { ["Content-Length"] = 3.0 } },
    ["/hex"] = { "abc", { ["Content-Length"] = "0x3" } },
    ["/blank"] = { "abc", { ["Content-Length"] = " 3" } },
  }
  local address = serve(function(req)
    return 200, table.unpack(lengths[req.path])
  end, { on_error = function() end })
  for path in pairs(lengths) do
    lu.assertEquals({ path, ask(address, "GET " .. path).status },
      { path, "500" })
  end
  lu.assertEquals(field(ask(address, "HEAD /other"), "Content-Length"), "5")
end

-- ------------------------------------------------------------- the request

function spec.test_a_request_has_what_was_sent()
  local seen
  local address = serve {
    ["POST /users/{id}/*"] = function(req)
      seen = {
        req.method, req.path, req.target, req.params.id, req.params["*"],
        req.tail, req.query.a, req.query.b, req.headers["x-Name"], req.host,
        req.version, req.length, req:body(),
      }
      lu.assertStrMatches(req.peer, "127.0.0.1:%d+")
      return "ok"
    end,
  }
  ask(address, { "POST /users/a%20b/c%2Fd/e?a=1&b=x+y&a=2", "X-Name: v",
    body = "text" })
  lu.assertEquals(seen, {
    "POST", "/users/a%20b/c%2Fd/e", "/users/a%20b/c%2Fd/e?a=1&b=x+y&a=2",
    "a b", "c/d/e", "c%2Fd/e", "1", "x y", "v", "a", "1.1", 4, "text",
  })
end

function spec.test_fields_given_twice_are_joined()
  local seen
  local address = serve(function(req)
    seen = { req.headers.a, req.headers.cookie, req.headers.none }
  end)
  ask(address, { "GET /", "A: b", "a: c", "Cookie: d=e", "Cookie: f=g" })
  lu.assertEquals(seen, { "b, c", "d=e; f=g" })
end

function spec.test_a_form_is_read()
  local address = serve(function(req)
    local fields, err = req:form()
    if not fields then
      return nil, err
    end
    return fields.name .. "|" .. fields.text
  end)
  local form = "Content-Type: application/x-www-form-urlencoded"
  lu.assertEquals(ask(address, { "POST /", form, body = "name=a+b&text=%26" })
    .body, "a b|&")
  lu.assertEquals(ask(address, { "POST /", body = "name=a" }).status, "415")
end

function spec.test_a_body_comes_in_pieces_and_trailers_behind_it()
  local seen = {}
  local address = serve(function(req)
    for piece in req:chunks() do
      table.insert(seen, piece)
    end
    seen.trailer = req:trailers()["X-T"]
  end)
  wire.exchange(address, "POST / HTTP/1.1\r\nHost: a\r\n"
    .. "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nX-T: t\r\n"
    .. "\r\n")
  lu.assertEquals(seen, { "ab", "c", trailer = "t" })
end

function spec.test_a_body_that_is_too_long_is_413_also_in_pieces()
  local address = serve({
    ["POST /body"] = function(req) return req:body() end,
    ["POST /chunks"] = function(req)
      for _ in req:chunks() do end
      return "all"
    end,
    ["POST /more"] = function(req) return req:body(100) end,
  }, { limits = { body = 5, upload = 6 } })
  lu.assertEquals(ask(address, { "POST /body", body = "12345" }).body, "12345")
  lu.assertEquals(ask(address, { "POST /body", body = "123456" }).status, "413")
  lu.assertEquals(ask(address, { "POST /chunks", body = "123456" }).body, "all")
  lu.assertEquals(ask(address, { "POST /chunks", body = "1234567" }).status,
    "413")
  lu.assertEquals(ask(address, { "POST /more", body = "1234567" }).body,
    "1234567")
end

function spec.test_a_request_that_is_over_cannot_be_read()
  local kept
  local address = serve(function(req)
    kept = kept or req
    return "ok"
  end)
  ask(address, { "POST /", body = "text" }, "GET /2")
  lu.assertEquals(kept.path, "/")
  raises("the request is over", function() kept:body() end)
end

-- What comes next on the connection may be somebody else's, behind a proxy.
function spec.test_a_task_that_keeps_a_request_gets_nothing_of_the_next()
  local kept, pieces, written
  local address = serve(function(req, res)
    if req.path == "/kept" then
      kept, pieces, written = req, req:chunks(), res
      return "first"
    end
    for _, f in ipairs { function() pieces() end, function() kept:body() end,
      function() written:write("x") end, function() written:flush() end,
      function() written:finish() end, function() kept:upgrade("x") end } do
      raises("the request is over", f)
    end
    return req:body()
  end)
  local conn <close> = assert(net.connect(address))
  conn:write(text_of "GET /kept")
  repeat until conn:read("l") == "\r"
  lu.assertEquals(conn:read(5), "first")
  ml.yield() -- the server waits for another one
  raises("the request is over", function() kept:body() end)
  raises("the request is over", function() pieces() end)
  conn:write(text_of { "POST /", body = "second" })
  lu.assertEquals(conn:read("l"), "HTTP/1.1 200 OK\r")
  repeat until conn:read("l") == "\r"
  lu.assertEquals(conn:read(6), "second")
end

function spec.test_100_continue_is_said_when_the_body_is_asked_for()
  local address = serve {
    ["POST /read"] = function(req) return req:body() end,
    ["POST /refused"] = function() return 403 end,
  }
  local conn <close> = assert(net.connect(address))
  conn:write("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
    .. "Expect: 100-continue\r\n\r\n")
  lu.assertEquals(conn:read("L", "L"), "HTTP/1.1 100 Continue\r\n")
  conn:write("ab")
  lu.assertEquals(conn:read("l"), "HTTP/1.1 200 OK\r")
  local text = wire.exchange(address, "POST /refused HTTP/1.1\r\nHost: a\r\n"
    .. "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
  lu.assertStrContains(text, "HTTP/1.1 403 Forbidden\r\n")
  lu.assertStrContains(text, "\r\nConnection: close\r\n")
  lu.assertNotStrContains(text, "100 Continue")
end

-- ------------------------------------------------------------------ routes

local function name(text)
  return function(req)
    local list = {}
    for key, value in pairs(req.params) do
      list[#list + 1] = key .. "=" .. value
    end
    table.sort(list)
    return text .. " " .. table.concat(list, ",")
  end
end

function spec.test_the_route_that_says_more_wins()
  local address = serve {
    ["GET /"] = name "root", ["GET /a"] = name "a", ["GET /{x}"] = name "x",
    ["GET /a/{y}"] = name "y", ["GET /a/b"] = name "ab",
    ["GET /a/*"] = name "rest", ["POST /a/b"] = name "post",
    ["GET /{x}/c"] = name "xc", ["/any"] = name "any",
  }
  for path, expected in pairs {
    ["/"] = "root ", ["/a"] = "a ", ["/b"] = "x x=b", ["/a/b"] = "ab ",
    ["/a/z"] = "y y=z", ["/a/z/w"] = "rest *=z/w", ["/a/"] = "rest *=",
    ["/q/c"] = "xc x=q", ["/a/c"] = "y y=c", ["/%61"] = "a ",
    ["/a%2Fb"] = "x x=a/b", ["/any"] = "any ",
  } do
    lu.assertEquals(ask(address, "GET " .. path).body, expected, path)
  end
  lu.assertEquals(ask(address, "GET /q/d").status, "404")
  lu.assertEquals(ask(address, "PUT /any").body, "any ")
end

function spec.test_a_route_of_another_method_does_not_hide_one_that_fits()
  local address = serve {
    ["POST /a/b"] = name "post", ["GET /a/{x}"] = name "get",
  }
  lu.assertEquals(ask(address, "GET /a/b").body, "get x=b")
  local answer = ask(address, "PUT /a/b")
  lu.assertEquals({ answer.status, field(answer, "Allow") },
    { "405", "GET, HEAD, OPTIONS, POST" })
end

function spec.test_head_is_answered_as_get_without_the_body()
  local address = serve {
    ["GET /"] = function() return "hello" end,
    ["GET /pieces"] = function(_, res) res:write("x") end,
  }
  local answer = ask(address, "HEAD /")
  lu.assertEquals({ answer.status, field(answer, "Content-Length") },
    { "200", "5" })
  local text = wire.exchange(address, text_of "HEAD /"
    .. text_of "HEAD /pieces" .. text_of "GET /")
  lu.assertEquals(select(2, text:gsub("HTTP/1.1 200 OK", "")), 3)
  lu.assertEquals(text:match("\r\n\r\n([^\r]*)$"), "hello")
end

function spec.test_options_tells_the_methods()
  local address = serve { ["GET /"] = name "", ["PUT /a"] = name "" }
  local answer = ask(address, "OPTIONS /a")
  lu.assertEquals({ answer.status, field(answer, "Allow") },
    { "204", "OPTIONS, PUT" })
  lu.assertEquals(field(ask(address, "OPTIONS *"), "Allow"),
    "GET, HEAD, OPTIONS, PUT")
end

function spec.test_what_is_no_route_is_misuse()
  local function f() end
  for text, reason in pairs {
    ["GET"] = "METHOD /path", ["GET a"] = "METHOD /path",
    ["get /"] = "upper case", ["GET /a{b}"] = "whole segments",
    ["GET /*/a"] = "must be the end", ["GET /{}"] = "whole segments",
    ["GET /a/:id"] = "a parameter is '{id}'",
    ["GET /{a}/b/{a}"] = "bad route 'GET /{a}/b/{a}' ('{a}' is there twice)",
  } do
    raises(reason, function() http.serve(free, { [text] = f }) end)
  end
  raises("function expected", function() http.serve(free, { ["/"] = 1 }) end)
  local twice = { ["GET /{a}"] = f, ["GET /{b}"] = f }
  raises("another one like it", function() http.serve(free, twice) end)
  raises("table of routes", function() http.serve(free, 1) end)
end

function spec.test_unknown_options_are_misuse()
  local function f() end
  raises("option 'limit5'", function() http.serve(free, f, { limit5 = 1 }) end)
  local limits = { limits = { bodi = 1 } }
  raises("did you mean 'body'", function() http.serve(free, f, limits) end)
  raises("#3 to 'serve'", function() http.serve(free, f, limits) end)
  local number = { on_error = 1 }
  raises("'on_error' must", function() http.serve(free, f, number) end)
  raises("'log' must", function() http.serve(free, f, { log = "x" }) end)
  limits = { limits = { body = "1" } }
  raises("#3 to 'serve'", function() http.serve(free, f, limits) end)
end

-- ------------------------------------------------------------------ errors

function spec.test_an_error_is_500_and_told_and_the_connection_goes_on()
  local told
  local address = serve({
    ["GET /"] = function() return "fine" end,
    ["GET /bad"] = function() error("broken", 0) end,
  }, {
    on_error = function(err, req, trace)
      told = { err, req.path, type(trace) }
    end,
  })
  local first, second = ask(address, "GET /bad", "GET /")
  lu.assertEquals({ first.status, second.body }, { "500", "fine" })
  lu.assertNotStrContains(first.body, "broken")
  lu.assertEquals(told, { "broken", "/bad", "string" })
end

function spec.test_the_report_of_an_error_tells_what_was_asked_for()
  local result = command.run { "-e", [[
    local http = require "miniloop.http"
    local server <close> = assert(http.serve("127.0.0.1:0", {
      ["GET /bad"] = function() return true end,
    }))
    http.get("http://" .. server:address() .. "/bad?q")]] }
  lu.assertStrContains(result.err, "cannot answer with a boolean\n")
  lu.assertStrContains(result.err, "\n  in answer to:\n    GET /bad?q, "
    .. "handler at (command line):3\n")
end

function spec.test_what_on_error_returns_is_the_answer()
  local address = serve(function() error "no" end, {
    on_error = function() return 503, "later" end,
  })
  local answer = ask(address, "GET /")
  lu.assertEquals({ answer.status, answer.body }, { "503", "later" })
end

function spec.test_an_error_behind_the_head_closes_the_connection()
  local address = serve(function(_, res)
    res:write("some")
    error "no"
  end, { on_error = function() end })
  local text = wire.exchange(address, text_of "GET /" .. text_of "GET /")
  lu.assertEquals(select(2, text:gsub("HTTP/1.1", "")), 1)
  lu.assertNotStrContains(text, "\r\n0\r\n\r\n") -- that it is cut can be seen
end

function spec.test_an_error_with_a_status_is_told_to_the_client_alone()
  local told = 0
  local address = serve(function()
    error { status = 422, message = "no such thing",
      headers = { ["X-A"] = "b" } }
  end, { on_error = function() told = told + 1 end })
  local answer = ask(address, "GET /")
  lu.assertEquals({ answer.status, field(answer, "X-A"), told },
    { "422", "b", 0 })
  lu.assertStrContains(answer.body, "no such thing")
end

-- -------------------------------------------------------------- connections

function spec.test_answers_of_a_pipeline_come_in_order_and_none_is_held_back()
  local gate = ml.event()
  local address = serve {
    ["GET /fast"] = function() return "fast" end,
    ["GET /slow"] = function()
      gate:wait()
      return "slow"
    end,
  }
  local conn <close> = assert(net.connect(address))
  conn:write(text_of "GET /fast" .. text_of "GET /slow")
  local text = ""
  repeat -- the first is there though the second is not
    text = text .. conn:recv()
  until text:find("fast$")
  gate:set()
  repeat
    text = text .. conn:recv()
  until text:find("slow$")
end

function spec.test_stop_closes_idle_connections_and_lets_busy_ones_end()
  local gate, begun = ml.event(), ml.event()
  local address = serve(function()
    begun:set()
    gate:wait()
    return "done"
  end)
  local idle <close> = assert(net.connect(address))
  local busy <close> = assert(net.connect(address))
  busy:write(text_of "GET /")
  begun:wait()
  local stopping = ml.spawn(server.stop, server)
  lu.assertNil(idle:read("a") ~= "" or nil)
  gate:set()
  local text = busy:read("a")
  lu.assertStrContains(text, "\r\nConnection: close\r\n")
  lu.assertStrContains(text, "done")
  lu.assertEquals({ stopping:wait() }, { true, true })
end

function spec.test_a_connection_is_upgraded_with_what_was_read_ahead()
  local left
  local address = serve(function(req)
    local conn = assert(req:upgrade("echo", { ["X-A"] = "b" }, function(failed)
      left = failed
    end))
    conn:write(conn:read("l"), "!\n")
  end)
  local text = wire.exchange(address, text_of { "GET /", "Connection: Upgrade",
    "Upgrade: echo" } .. "ahead\n")
  lu.assertStrContains(text, "HTTP/1.1 101 Switching Protocols\r\n")
  lu.assertStrContains(text, "\r\nUpgrade: echo\r\n")
  lu.assertStrContains(text, "\r\nX-A: b\r\n")
  lu.assertEquals(text:match("\r\n\r\n(.*)$"), "ahead!\n")
  lu.assertEquals(left, false)
end

-- It would be taken for the first bytes of the other protocol.
function spec.test_a_request_with_a_body_is_not_upgraded()
  local address = serve(function(req)
    if req.path == "/read" then
      req:body()
    end
    assert(req:upgrade("echo")):write("upgraded")
  end)
  for path, status in pairs { ["/"] = "400", ["/read"] = "101" } do
    local text = wire.exchange(address, text_of { "GET " .. path,
      "Connection: Upgrade", "Upgrade: echo", body = "abc" })
    lu.assertEquals({ path, text:match("^HTTP/1.1 (%d+) ") }, { path, status })
  end
end

function spec.test_events_are_sent_as_they_come()
  local address = serve(function(req)
    local events = req:events { beat = math.huge, retry = 2 }
    events:send("one")
    events:send("two\nlines", "kind", 7)
    raises("did you mean 'retry'", function() req:events { rety = 2 } end)
    events:send("a\rdata: b\r\nc\r") -- no line end begins another field
    raises("more than one line", function() events:send("x", "a\nb") end)
  end)
  local answer = ask(address, "GET /")
  lu.assertEquals(field(answer, "Content-Type"), "text/event-stream")
  lu.assertEquals(answer.body, "retry: 2000\n\ndata: one\n\n"
    .. "event: kind\nid: 7\ndata: two\ndata: lines\n\n"
    .. "data: a\ndata: data: b\ndata: c\ndata: \n\n")
end

function spec.test_the_beat_of_events_ends_with_them()
  local before = #ml.tasks()
  local address = serve(function(req)
    req:events { beat = 1000 }
  end)
  ask(address, "GET /")
  lu.assertEquals(server:stop(), true)
  server = nil
  lu.assertEquals(#ml.tasks(), before)
end

function spec.test_the_log_has_a_line_for_each_answer()
  local lines, entries = {}, {}
  local sink = { write = function(_, ...)
    lines[#lines + 1] = table.concat { ... }
  end }
  local address = serve(function() return "hello" end, { log = sink })
  ask(address, { "GET /a?b", "User-Agent: me\"\\" })
  lu.assertStrMatches(lines[1], '127%.0%.0%.1 %- %- %[.- %+0000%] '
    .. '"GET /a%?b HTTP/1%.1" 200 5 "%-" "me\\x22\\x5C" %d+%.%d+\n')
  server:stop(0)
  address = serve(function() return 404 end, {
    log = function(entry) entries[#entries + 1] = entry end,
  })
  ask(address, "GET /x")
  wire.exchange(address, "nonsense\r\n\r\n")
  lu.assertEquals({ entries[1].status, entries[1].target, entries[2].status,
    entries[2].method }, { 404, "/x", 400 })
end

return spec
