-- Answers that are sent piece by piece: by several tasks, and by some that are
-- cut off in the middle. Whatever happens, a client can tell where one ends.

local asking = require "spec.http.asking"
local assert_code = require "spec.support.assert_code"
local core = require "miniloop.core"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local raises = require "spec.support.raises"
local read_all = require "spec.http.wire".read_all
local waiting = require "spec.support.waiting"

require "miniloop.http" -- which tells wires what their messages have

local spec = {}

local GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
local plenty = ("x"):rep(1 << 20) -- more than a client that reads nothing takes

local near, far, wire

function spec.before_each()
  near, far = net.pair()
  wire = core.http.wire(near)
  far:write(GET)
  assert(wire:request())
end

function spec.after_each()
  near:close()
  far:close()
  asking.stop()
end

-- What the client reads up to when those tasks have ended.
local function text_after(...)
  local reader = ml.spawn(read_all, far)
  for _, task in ipairs { ... } do
    task:wait()
  end
  near:close()
  return reader:join()
end

-- C5.5: whoever catches it may go on.
function spec.test_nothing_follows_a_piece_that_was_cut_off()
  for _, fields in ipairs { {}, { ["Content-Length"] = 2 * #plenty } } do
    spec.after_each()
    spec.before_each()
    wire:begin(200, fields)
    assert_code("ETIMEDOUT", ml.timeout(0, wire.write, wire, plenty))
    assert_code("EPIPE", wire:write "more")
    assert_code("EPIPE", wire:finish())
    assert_code("EPIPE", wire:flush())
    near:close()
    -- How much has come is the system's affair.
    lu.assertNotStrContains(read_all(far), "more")
  end
end

function spec.test_the_end_waits_for_who_is_writing()
  wire:begin(200)
  local text = text_after(waiting(wire.write, wire, plenty),
    waiting(wire.finish, wire, { ["X-A"] = "b" }))
  lu.assertStrMatches(text,
    "HTTP/1.1 200.*\r\n100000\r\nx+\r\n0\r\nX%-A: b\r\n\r\n")
end

function spec.test_an_end_that_is_more_than_the_client_takes_goes_out_whole()
  wire:begin(200)
  local ending = waiting(wire.finish, wire, { ["X-A"] = plenty })
  lu.assertEquals(text_after(ending):sub(-9), "xxxxx\r\n\r\n")
  lu.assertTrue(ending:join())
end

function spec.test_an_end_that_is_wrong_is_refused()
  wire:begin(200, { ["Content-Length"] = 5 })
  raises("'X A' is no name", function() wire:finish { ["X A"] = "b" } end)
  raises("shorter than its Content-Length", function() wire:finish() end)
  lu.assertTrue(wire:finish()) -- so it is over
end

function spec.test_a_piece_that_comes_too_late_is_none_of_the_answer()
  wire:begin(200)
  local first = waiting(wire.write, wire, plenty)
  local ending = waiting(wire.finish, wire)
  local late = waiting(wire.write, wire, "late")
  local text = text_after(first, ending, late)
  lu.assertTrue(ending:join())
  assert_code("EPIPE", late:join())
  lu.assertStrMatches(text, ".*x\r\n0\r\n\r\n")
end

function spec.test_nor_is_it_one_of_the_next_answer()
  far:write(GET)
  wire:begin(200)
  local first = waiting(wire.write, wire, plenty)
  local ending = waiting(function()
    assert(wire:finish())
    assert(wire:request())
    wire:begin(200, { ["X-Second"] = "1" })
    return wire:finish()
  end)
  local late = waiting(wire.write, wire, "late")
  local text = text_after(first, ending, late)
  lu.assertTrue(ending:join())
  assert_code("EPIPE", late:join())
  local second = text:sub(-200):match("\r\n0\r\n\r\n(HTTP.*)")
  lu.assertStrContains(second, "X-Second: 1\r\n")
  lu.assertEquals(second:sub(-9), "\r\n\r\n0\r\n\r\n")
end

-- A handler may have returned an answer while another of its tasks writes one.
function spec.test_a_whole_answer_does_not_follow_the_head_of_another()
  local busy = waiting(near.write, near, plenty)
  local whole = waiting(wire.respond, wire, 200, nil, "whole")
  wire:begin(200)
  local ending = waiting(wire.finish, wire)
  local text = text_after(busy, whole, ending)
  assert_code("EPIPE", whole:join())
  lu.assertTrue(ending:join())
  lu.assertStrMatches(text, "x+HTTP/1.1 200 OK\r\n.*\r\n\r\n0\r\n\r\n")
  lu.assertNotStrContains(text, "whole")
end

-- They are checked when they are asked for, and taken when it is their turn.
function spec.test_fields_that_are_changed_meanwhile_are_checked_again()
  for name, value in pairs { ["X-A"] = "b\r\nX-B: c", ["Content-Length"] = 7,
      ["Transfer-Encoding"] = "chunked" } do
    spec.after_each()
    spec.before_each()
    local fields = {}
    local busy = waiting(near.write, near, plenty)
    local whole = waiting(wire.respond, wire, 200, fields, "whole")
    fields[name] = value
    lu.assertEquals(text_after(busy, whole), plenty)
    assert_code("EINVAL", whole:join())
  end
end

function spec.test_trailers_that_are_changed_meanwhile_are_checked_again()
  local trailers = {}
  wire:begin(200)
  local first = waiting(wire.write, wire, plenty)
  local ending = waiting(wire.finish, wire, trailers)
  trailers["X-A"] = "b\r\nX-B: c"
  lu.assertNotStrContains(text_after(first, ending), "X-B")
  assert_code("EINVAL", ending:join())
end

function spec.test_pieces_that_wait_are_counted_when_it_is_their_turn()
  wire:begin(200, { ["Content-Length"] = #plenty + 1 })
  local first = waiting(wire.write, wire, plenty)
  local second = waiting(wire.write, wire, "a")
  local third = waiting(wire.write, wire, "b")
  local ending = waiting(wire.finish, wire)
  local text = text_after(first, second, third, ending)
  lu.assertTrue(ending:join())
  assert_code("EMSGSIZE", third:join())
  lu.assertStrMatches(text, ".*\r\n\r\nx+a")
end

function spec.test_what_falls_short_when_all_have_written_is_no_whole_answer()
  wire:begin(200, { ["Content-Length"] = #plenty + 1 })
  local first = waiting(wire.write, wire, plenty)
  local ending = waiting(wire.finish, wire)
  local text = text_after(first, ending)
  assert_code("EPIPE", ending:join())
  lu.assertStrMatches(text, ".*\r\n\r\nx+")
end

-- Else the client would take the next answer for the rest of this one.
function spec.test_an_answer_with_a_piece_cut_off_is_the_last_one()
  local body = plenty:rep(32)
  local address = asking.serve {
    ["GET /"] = function(_, res)
      res.headers["Content-Length"] = #body
      ml.timeout(0, res.write, res, body)
    end,
    ["GET /second"] = function() return "second" end,
  }
  local client <close> = assert(net.connect(address))
  client:write(GET .. "GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
  local text = read_all(client)
  lu.assertTrue(#text < #body)
  lu.assertNotStrContains(text, "second")
end

return spec
