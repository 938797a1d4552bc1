-- Clients that are slow, or send too much: each limit of time cuts them. The
-- clock is a virtual one, so that seconds pass at once.

local lu = require "luaunit"
local command = require "spec.support.command"

local spec = {}

-- What a script prints on a virtual clock, with a server whose limits are those
-- given and `conn` a connection to it; times are whole seconds from the start.
local frame = [[
local ml, http = require "miniloop", require "miniloop.http"
local net = require "miniloop.net"
local server = assert(http.serve("127.0.0.1:0", function(req)
  if req.path == "/wait" then ml.sleep(1000) return "late" end
  return req:body()
end, { limits = { %s } }))
local conn = assert(net.connect(server:address()))
local start = ml.now()
local function tell(...) print(math.floor(ml.now() - start + 0.5), ...) end
local function status() tell((conn:read("l") or "0 0 "):match(" (%%d+) ")) end
-- Sends text in so many bytes at a time, some seconds between two, until there
-- is an answer; tells when it came, and its status.
local function drip(text, size, seconds)
  local reader = ml.spawn(status)
  for i = 1, #text, size or 1 do
    if reader:status() == "done" then break end
    conn:write(text:sub(i, i + (size or 1) - 1))
    ml.sleep(seconds or 1)
  end
end
%s
server:stop(0)
]]

local function run(limits, text)
  local result = command.run({ "--virtual-time", "-e",
    frame:format(limits, text) })
  command.expect(result, 0, nil, "")
  return result.out
end

function spec.test_a_connection_on_which_nothing_is_asked_is_closed()
  lu.assertEquals(run("first = 7", [[tell(conn:read("a"))]]), "7\t\n")
end

function spec.test_a_connection_on_which_nothing_more_is_asked_is_closed()
  lu.assertEquals(run("first = 7, idle = 20", [[
    conn:write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    conn:read("a")
    tell()]]), "20\n")
end

function spec.test_a_head_byte_by_byte_is_cut_by_the_time_of_the_head()
  lu.assertEquals(run("head_time = 12", [[
    drip("GET / HTTP/1.1\r\nHost: a\r\nX-A: " .. ("b"):rep(100))]]),
    "12\t408\n")
end

function spec.test_so_is_that_of_another_request()
  lu.assertEquals(run("head_time = 12", [[
    conn:write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    repeat until conn:read("l") == "\r"
    drip("GET / HTTP/1.1\r\nHost: a\r\nX-A: " .. ("b"):rep(100))]]),
    "12\t408\n")
end

function spec.test_a_head_that_is_in_time_is_not_cut()
  lu.assertEquals(run("head_time = 100", [[
    drip("GET / HTTP/1.1\r\nHost: a\r\n\r\n")]]), "26\t200\n")
end

function spec.test_a_body_byte_by_byte_is_cut_by_its_time()
  lu.assertEquals(run("body_time = 12", [[
    conn:write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
    drip(("b"):rep(100))]]), "12\t408\n")
end

function spec.test_chunks_byte_by_byte_are_cut_by_the_time_of_the_body()
  lu.assertEquals(run("body_time = 12", [[
    conn:write("POST / HTTP/1.1\r\nHost: a\r\n",
      "Transfer-Encoding: chunked\r\n\r\n")
    drip(("1\r\nb\r\n"):rep(100))]]), "12\t408\n")
end

-- 100 seconds for the first bytes, and 10 more for each 100 of them.
function spec.test_bytes_of_a_body_earn_time()
  local text = [[
    conn:write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
    drip(("b"):rep(1000), 100, %d)]]
  lu.assertEquals(run("body_time = 100, rate = 10", text:format(15)),
    "135\t200\n")
  lu.assertEquals(run("body_time = 100, rate = 10", text:format(50)),
    "130\t408\n")
end

function spec.test_what_the_handler_takes_is_not_the_clients_time()
  lu.assertEquals(run("head_time = 2, body_time = 2, idle = 2", [[
    conn:write("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
    conn:read("l")
    tell()]]), "1000\n")
end

function spec.test_who_takes_nothing_of_an_answer_is_cut()
  lu.assertEquals(run("write = 9, body = 1 << 30", [[
    local size = 64 << 20
    conn:write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ", size,
      "\r\n\r\n")
    conn:write(("b"):rep(size))
    ml.sleep(30)
    tell(#conn:read("a") < size)]]), "30\ttrue\n")
end

return spec
