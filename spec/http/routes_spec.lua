-- Routes: which handler answers, and what is none.

local lu = require "luaunit"
local asking = require "spec.http.asking"
local http = require "miniloop.http"
local raises = require "spec.support.raises"
local wire = require "spec.http.wire"

local spec = {}

local ask, field, serve, text_of =
  asking.ask, asking.field, asking.serve, asking.text_of
local free = asking.free

spec.after_each = asking.stop

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

return spec
