-- The server: what becomes of errors of handlers, and its connections.

local lu = require "luaunit"
local asking = require "spec.http.asking"
local command = require "spec.support.command"
local ml = require "miniloop"
local net = require "miniloop.net"
local raises = require "spec.support.raises"
local wire = require "spec.http.wire"

local spec = {}

local ask, field, serve, text_of =
  asking.ask, asking.field, asking.serve, asking.text_of

spec.after_each = asking.stop

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
  local address, server = serve(function()
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
  local address, server = serve(function(req)
    req:events { beat = 1000 }
  end)
  ask(address, "GET /")
  lu.assertEquals(server:stop(), true)
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
  asking.stop()
  address = serve(function() return 404 end, {
    log = function(entry) entries[#entries + 1] = entry end,
  })
  ask(address, "GET /x")
  wire.exchange(address, "nonsense\r\n\r\n")
  lu.assertEquals({ entries[1].status, entries[1].target, entries[2].status,
    entries[2].method }, { 404, "/x", 400 })
end

return spec
