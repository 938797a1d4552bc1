-- What a handler sees of a request.

local lu = require "luaunit"
local asking = require "spec.http.asking"
local ml = require "miniloop"
local net = require "miniloop.net"
local raises = require "spec.support.raises"
local wire = require "spec.http.wire"

local spec = {}

local ask, serve, text_of = asking.ask, asking.serve, asking.text_of

spec.after_each = asking.stop

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
    .. "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\nX-T: t\r\n"
    .. "\r\n")
  lu.assertEquals(seen, { "a", "b", trailer = "t" })
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
  repeat until assert(conn:read("l")) == "\r"
  lu.assertEquals(conn:read(5), "first")
  ml.yield() -- the server waits for another one
  raises("the request is over", function() kept:body() end)
  raises("the request is over", function() pieces() end)
  conn:write(text_of { "POST /", body = "second" })
  lu.assertEquals(conn:read("l"), "HTTP/1.1 200 OK\r")
  repeat until assert(conn:read("l")) == "\r"
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

return spec
