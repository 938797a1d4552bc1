-- Wires as the modules in Lua use them, in an order in which those do not: what
-- is refused, answered or sent does not depend on who calls. C8.

local assert_code = require "spec.support.assert_code"
local core = require "miniloop.core"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local waiting = require "spec.support.waiting"

require "miniloop.http" -- which tells wires what their messages have

local spec = {}

local near, far, wire

local function open(limits)
  near, far = net.pair()
  wire = core.http.wire(near, limits)
end

function spec.before_each()
  open()
end

function spec.after_each()
  near:close()
  far:close()
end

-- A request that has come.
local function receive(text)
  far:write(text)
  return assert(wire:request())
end

local GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
local HEAD = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"

local function post(field, body)
  return ("POST / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n%s"):format(field, body)
end

local function raised(f, ...)
  local ok, message = pcall(f, ...)
  lu.assertFalse(ok)
  return tostring(message)
end

-- What has been sent, when the wire has been flushed.
local function sent()
  assert(wire:flush())
  local text = ""
  repeat
    text = text .. assert(far:recv())
  until not ml.wait_io_read(far, 0)
  return text
end

-- -------------------------------------------------------------------- the body

function spec.test_a_body_comes_in_pieces_of_the_size_asked_for()
  receive(post("Content-Length: 10", "0123456789"))
  lu.assertEquals({ wire:body(4), wire:body(4), wire:body(4), wire:body(4) },
    { "0123", "4567", "89" })
  receive(post("Transfer-Encoding: chunked", "a\r\n0123456789\r\n0\r\n\r\n"))
  lu.assertEquals({ wire:body(4), wire:body(1 << 20), wire:body(1) },
    { "0123", "456789" })
  lu.assertNil(wire:trailers())
  lu.assertStrContains(raised(wire.body, wire, 0), "at least one byte")
  lu.assertStrContains(raised(wire.body, wire, "x"), "number expected")
end

function spec.test_two_tasks_read_a_body_in_turn()
  receive(post("Content-Length: 2", ""))
  local first, second = waiting(wire.body, wire, 1), waiting(wire.body, wire, 1)
  far:write("ab")
  lu.assertEquals({ first:join(), second:join() }, { "a", "b" })
end

function spec.test_a_body_that_was_broken_is_not_gone_on_with()
  receive(post("Transfer-Encoding: chunked", "no number\r\n"))
  local err = assert_code("EPROTO", wire:body())
  lu.assertEquals(err.status, 400)
  assert_code("EPIPE", wire:body())
  lu.assertEquals({ wire:persistent() }, { false, false })
end

function spec.test_a_body_without_a_rate_has_its_time_alone()
  spec.after_each()
  open { rate = 0, body_time = 0.001 }
  receive(post("Content-Length: 2", "a"))
  lu.assertEquals(wire:body(), "a")
  lu.assertEquals(assert_code("ETIMEDOUT", wire:body()).status, 408)
end

-- RFC 9110, 10.1.1
function spec.test_who_is_answered_is_not_asked_for_the_body_any_more()
  receive(post("Content-Length: 1\r\nExpect: 100-continue", ""))
  wire:begin(200, nil)
  local task = waiting(wire.body, wire)
  wire:finish()
  lu.assertNotStrContains(sent(), "100 Continue")
  far:write("x")
  lu.assertEquals(task:join(), "x")
end

-- ------------------------------------------------------------------ the answer

function spec.test_an_answer_is_given_once()
  receive(GET)
  lu.assertTrue(wire:text("hello"))
  lu.assertEquals(select("#", wire:text("again")), 0)
  lu.assertStrContains(raised(wire.respond, wire, 200, nil, "x"), "has begun")
  lu.assertStrContains(sent(), "hello")
end

function spec.test_what_does_not_go_together_is_refused()
  receive(GET)
  lu.assertStrContains(raised(wire.respond, wire, 204, nil, "x"), "has no body")
  for _, body in ipairs { "x", "" } do
    lu.assertStrContains(raised(wire.respond, wire, 200,
      { ["Content-Length"] = "5" }, body), "does not have the Content-Length")
  end
  lu.assertStrContains(raised(wire.finish, wire), "has not begun")
  lu.assertTrue(wire:respond(304, { ["Content-Length"] = "5" }, ""))
  lu.assertStrContains(sent(), "Content-Length: 5")
end

function spec.test_fields_of_the_scripts_take_the_place_of_ours()
  receive(GET)
  wire:respond(200, { Date = "today", Connection = "close" }, "x")
  local text = sent()
  lu.assertStrContains(text, "Date: today\r\n")
  lu.assertEquals(select(2, text:gsub("Date:", "")), 1)
  lu.assertEquals(select(2, text:gsub("Connection:", "")), 1)
  lu.assertEquals({ wire:persistent() }, { false, false })
end

function spec.test_a_length_that_is_right_is_taken()
  receive(GET)
  lu.assertTrue(wire:respond(200, { ["Content-Length"] = "1" }, "x"))
  local text = sent()
  lu.assertEquals(select(2, text:gsub("Content%-Length:", "")), 1)
  lu.assertStrMatches(text, "HTTP/1.1 200 .*\r\n\r\nx")
end

-- RFC 9110, 10.1.1: it does not know that it may expect something.
function spec.test_what_an_old_client_expects_is_passed_over()
  receive("GET / HTTP/1.0\r\nExpect: the-unexpected\r\n\r\n")
  wire:respond(200, nil, "x")
  lu.assertStrMatches(sent(), "HTTP/1.1 200 .*")
end

function spec.test_an_answer_to_who_is_gone_is_an_error()
  receive(GET)
  near:close()
  assert_code("EBADF", wire:respond(200, nil, "x"))
end

function spec.test_a_body_of_blanks_is_plain_text()
  for _, body in ipairs { "  \n", "<", " <html>", "<p>" } do
    receive(GET)
    wire:respond(200, nil, body)
    local kind = body == " <html>" and "text/html" or "text/plain"
    lu.assertStrContains(sent(), "Content-Type: " .. kind)
  end
end

function spec.test_an_old_client_is_told_of_the_end_by_the_end()
  receive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
  wire:begin(200)
  wire:write("all of it")
  wire:finish()
  lu.assertEquals({ wire:persistent() }, { false, false })
end

function spec.test_who_asks_for_no_body_gets_none()
  receive(HEAD)
  wire:begin(200, { ["Content-Length"] = "3" })
  lu.assertTrue(wire:silent())
  wire:write("a")
  wire:finish()
  wire:finish() -- is over already
  lu.assertStrMatches(sent(), "HTTP/1.1 200 OK\r\n.*\r\n\r\n")
  receive("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
  wire:respond(200, nil, "abc")
  lu.assertStrMatches(sent(),
    "HTTP/1.1 200 OK\r\n.*Content%-Length: 3\r\n.*\r\n\r\n")
end

function spec.test_a_status_without_a_body_sends_none_of_it()
  receive(GET)
  lu.assertFalse(wire:silent())
  wire:begin(204)
  lu.assertTrue(wire:silent())
  wire:write("lost")
  wire:finish()
  lu.assertNotStrContains(sent(), "lost")
end

local plenty = ("x"):rep(1 << 20)

-- The far end reads nothing until told: then all of it is the text.
local function read_all()
  local pieces = {}
  repeat
    local piece = far:recv()
    pieces[#pieces + 1] = piece
  until not piece
  return table.concat(pieces)
end

function spec.test_tasks_write_a_long_answer_in_turn()
  receive(GET)
  wire:begin(200)
  local first = waiting(wire.write, wire, plenty)
  local second = waiting(wire.write, wire, "second")
  local reader = ml.spawn(read_all)
  lu.assertTrue(first:join())
  lu.assertTrue(second:join())
  wire:finish()
  assert(wire:flush())
  near:close()
  lu.assertStrMatches(reader:join(), "HTTP/1.1.*x\r\n6\r\nsecond\r\n0\r\n\r\n")
end

function spec.test_an_answer_waits_for_who_writes_to_the_stream()
  receive(GET)
  local writer = waiting(near.write, near, plenty)
  local answerer = waiting(wire.respond, wire, 200, nil, "answer")
  local reader = ml.spawn(read_all)
  lu.assertTrue(writer:join())
  lu.assertTrue(answerer:join())
  near:close()
  lu.assertStrMatches(reader:join(), "x+HTTP/1.1 200.*answer")
end

-- It asks for more and more, and reads nothing of the answers for a while.
function spec.test_answers_that_nobody_reads_are_sent_before_the_next_request()
  local count, body = 200, ("x"):rep(8000)
  far:write(GET:rep(count))
  local server = waiting(function()
    for _ = 1, count do
      assert(wire:request())
      wire:respond(200, nil, body)
    end
    assert(wire:flush())
    near:close()
  end)
  local text = read_all()
  lu.assertTrue(server:wait())
  lu.assertEquals(select(2, text:gsub("HTTP/1.1 200 OK", "")), count)
  lu.assertEquals(select(2, text:gsub(body, "")), count)
end

-- ------------------------------------------------------------- the connection

function spec.test_a_closed_stream_ends_each_call()
  receive(post("Content-Length: 1", ""))
  near:close()
  assert_code("EBADF", wire:body())
  assert_code("EBADF", wire:respond(200, nil, "x"))
  assert_code("EBADF", wire:flush())
  assert_code("EBADF", wire:request())
  lu.assertEquals({ wire:persistent() }, { false, false })
  wire:retire()
  wire:push()
end

function spec.test_a_wait_for_a_request_that_is_retired_ends()
  local task = waiting(wire.request, wire)
  wire:retire()
  lu.assertEquals({ task:wait() }, { true, nil })
  lu.assertEquals({ wire:persistent() }, { false, false })
end

function spec.test_a_wait_whose_stream_was_closed_is_retired_in_peace()
  local task = waiting(wire.request, wire)
  near:close()
  wire:retire()
  assert_code("EBADF", task:join())
end

function spec.test_a_response_that_does_not_come_is_an_error()
  spec.after_each()
  open { first = 0.001, idle = 0.001 }
  assert_code("ETIMEDOUT", wire:response("GET"))
  lu.assertNil(wire:request()) -- of a client that asks nothing, none
end

function spec.test_a_stream_that_is_upgraded_is_not_for_messages()
  receive(GET)
  lu.assertIs(wire:upgrade(), near)
  lu.assertEquals({ wire:persistent() }, { false, false })
end

-- ------------------------------------------------------------------- messages

function spec.test_what_a_message_tells()
  local long = ("Long-"):rep(40)
  local req = receive("GET /path HTTP/1.0\r\n" .. long .. ": yes\r\n\r\n")
  lu.assertEquals(tostring(req), "request: GET /path")
  lu.assertEquals(req.query, {})
  lu.assertNil(req.host)
  lu.assertEquals(req.headers[long], "yes")
  lu.assertNil(req.headers[1])
  far:write("HTTP/1.1 204 Gone\r\n\r\n")
  lu.assertEquals(tostring(wire:response("GET")), "response: 204")
end

-- RFC 9112, 6.3: of what precedes the answer, and of a tunnel, none.
function spec.test_answers_to_connect_have_no_body_unless_they_refuse()
  for line, framing in pairs { ["103 Early Hints"] = false, ["200 OK"] = false,
    ["403 Forbidden"] = true } do
    far:write(("HTTP/1.1 %s\r\nContent-Length: 1\r\n\r\n"):format(line))
    assert(wire:response("CONNECT"))
    lu.assertEquals(wire:unread(), framing)
  end
end

-- C2.1
function spec.test_what_is_no_wire_is_refused()
  for _, value in ipairs { 1, "x", {}, io.stdout, near, ml.self() } do
    lu.assertStrContains(raised(core.http.wire_methods.request, value),
      "a wire expected")
  end
  for _, limits in ipairs { { body = 1.5 }, { body = -1 }, { body = "1" } } do
    lu.assertStrContains(raised(core.http.wire, near, limits),
      "a number of bytes")
  end
end

return spec
