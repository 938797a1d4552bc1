-- What handlers answer: by what they return, and through the response.

local lu = require "luaunit"
local asking = require "spec.http.asking"
local ml = require "miniloop"
local raises = require "spec.support.raises"
local wire = require "spec.http.wire"

local spec = {}

local ask, field, serve, text_of =
  asking.ask, asking.field, asking.serve, asking.text_of
local plain = "text/plain; charset=utf-8"

spec.after_each = asking.stop

-- What the handler's results are answered with: status, type and body.
local function answered(...)
  local results = table.pack(...)
  local answer = ask(serve {
    ["GET /"] = function()
      return table.unpack(results, 1, results.n)
    end,
  }, "GET /")
  asking.stop()
  return answer.status, field(answer, "Content-Type"), answer.body, answer
end

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
  asking.stop()
  for _, status in ipairs { 42, 100, 600, -1 } do
    address = serve({ ["GET /"] = function() return status end }, {
      on_error = function(err) errors[1] = tostring(err) end,
    })
    lu.assertEquals(ask(address, "GET /").status, "500")
    lu.assertEquals(errors[1], ("a handler cannot answer with the status %d "
      .. "(200 to 599 expected)"):format(status))
    asking.stop()
  end
end

-- The client is told at least that: what is wrong with the apology is told as
-- the handler's own fault.
function spec.test_an_apology_that_cannot_be_sent_is_a_500_without_it()
  for text, headers in pairs {
    ["would split the message"] = { A = "b\r\nc: d" },
    ["is no name of a header field"] = { ["a b"] = "c" },
    ["table expected, got number"] = 5,
  } do
    local told
    local address = serve(function()
      error { status = 404, message = "gone", headers = headers }
    end, { on_error = function(err) told = err end })
    local answer = ask(address, "GET /")
    lu.assertEquals({ answer.status, answer.body },
      { "500", "Internal Server Error\n" })
    lu.assertStrContains(told, text)
    asking.stop()
  end
end

function spec.test_an_answer_of_on_error_that_cannot_be_sent_is_a_500()
  local told = {}
  local address = serve(function() error("no", 0) end, {
    on_error = function(err)
      table.insert(told, err)
      return 9
    end,
  })
  lu.assertEquals(ask(address, "GET /").status, "500")
  lu.assertEquals(#told, 2)
  lu.assertStrContains(told[2], "cannot answer with the status 9")
end

-- ------------------------------------------------------------ the response

function spec.test_a_response_writes_strings_and_numbers_and_nothing_else()
  local address = serve(function(_, res)
    for _, value in ipairs { {}, true, print } do
      raises("bad argument #1 to 'write' (string expected",
        function() res:write(value) end)
    end
    raises("bad argument #1 to 'write'", function() res:write(nil) end)
    raises("bad argument #2 to 'write'", function() res:write("a", nil) end)
    res:write()
    res:write(1, "b", 2.5)
    res:write(3)
  end)
  lu.assertEquals(ask(address, "GET /").body, "1b2.53")
end

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
    asking.stop()
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

return spec
