-- The examples that serve, each with clients that are not ours.

local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local command = require "spec.support.command"
local example = require "spec.examples.example"

local spec = {}

local free = "127.0.0.1:0"

-- What a client is answered that says these lines, and leaves.
local function say(address, text)
  return example.shell(("printf '%s' | %s"):format(text, example.nc(address)))
end

local function sorted(text)
  local lines = {}
  for line in text:gmatch("[^\n]+") do
    lines[#lines + 1] = line
  end
  table.sort(lines)
  return lines
end

-- ----------------------------------------------------------- a hundred clients

local count = 100

-- Each client says a line, and stays until nobody has the file `gate` open.
local crowd = [[
exec 3<%s
for i in $(seq %d); do
  { echo "hello $i"; read -r _ <&3; } | %s &
done
wait]]

-- Calls f while all clients are connected, which is when the server has printed
-- a line for each; then lets them go. All that they were answered.
local function with_crowd(process, address, f)
  local path = os.tmpname()
  os.execute(("rm %s; mkfifo %s"):format(path, path))
  local clients <close> = assert(io.popen(crowd:format(path, count,
    example.nc(address))))
  local gate <close> = assert(io.open(path, "w"))
  os.remove(path)
  local said = {}
  for i = 1, count do
    said[i] = process:line()
  end
  f(said)
  gate:close()
  return clients:read("a")
end

-- Milliseconds of CPU that a process has used, which is counted by tens.
local function cpu_ms(pid)
  local file <close> = assert(io.open(("/proc/%d/stat"):format(pid)))
  local fields = {}
  for field in file:read("a"):match(".*%)(.*)"):gmatch("%S+") do
    fields[#fields + 1] = tonumber(field) or field
  end
  return (fields[12] + fields[13]) * 10
end

local function assert_idle(pid)
  local before = cpu_ms(pid)
  ml.sleep(1)
  lu.assertTrue(cpu_ms(pid) - before < 10)
end

-- C3.wait_io_read, C3.id, C3.new, C4.2
function spec.test_echo_serves_a_hundred_clients_and_is_idle_then()
  local process <close>, address = example.serve("02_echo", { free })
  local ids = {}
  local out = with_crowd(process, address, function(said)
    for _, line in ipairs(said) do
      local id, text = line:match("^(%d+): (hello %d+)$")
      lu.assertNotNil(id, line)
      lu.assertNil(ids[id])
      ids[id] = text
    end
    assert_idle(process.pid)
  end)
  local expected = {}
  for i = 1, count do
    expected[i] = ('Server Got Your Message: "hello %d"'):format(i)
  end
  table.sort(expected)
  lu.assertEquals(sorted(out), expected)
  lu.assertEquals(example.interrupt(process), "")
end

function spec.test_echo_answers_each_line_of_a_client()
  local process <close>, address = example.serve("02_echo", { free })
  lu.assertEquals(say(address, "one\\n\\ntwo"), [[
Server Got Your Message: "one"
Server Got Your Message: ""
Server Got Your Message: "two"
]])
  lu.assertEquals(example.interrupt(process), "2: one\n2: \n2: two\n")
end

-- ------------------------------------------------------------------------ chat

-- A client, and its id as the server knows it.
local function enter(process, address)
  local conn = example.client(address)
  return conn, process:line():match("^(%d+) has come$")
end

function spec.test_chat_passes_lines_on_and_tells_who_leaves()
  local process <close>, address = example.serve("03_chat", { free, "0.2" })
  local a <close>, id_a = enter(process, address)
  local b <close>, id_b = enter(process, address)
  local c <close>, id_c = enter(process, address)
  local start = ml.now()
  a:write("hello\n")
  lu.assertEquals(b:read(), id_a .. ": hello")
  lu.assertEquals(c:read(), id_a .. ": hello")
  lu.assertEquals(a:read(), 'Server Got Your Message: "hello"')
  lu.assertTrue(ml.now() - start >= 0.2)
  b:write("one\ntwo\n")
  for _, conn in ipairs { a, c } do
    lu.assertEquals(conn:read(), id_b .. ": one")
    lu.assertEquals(conn:read(), id_b .. ": two")
  end
  c:close()
  lu.assertEquals(process:line(), id_c .. " has left")
  lu.assertEquals(a:read(), id_c .. " has left")
  lu.assertEquals(sorted(table.concat({ b:read("L", "L", "L") })), {
    id_c .. " has left",
    'Server Got Your Message: "one"', 'Server Got Your Message: "two"',
  })
  lu.assertEquals(example.interrupt(process), "")
end

-- Nothing of what a client is owed is an error when it has left meanwhile.
function spec.test_chat_survives_a_client_that_leaves_at_once()
  local process <close>, address = example.serve("03_chat", { free, "0.3" })
  lu.assertEquals(say(address, "in passing\\n"), "")
  lu.assertStrMatches(process:line(), "%d+ has come")
  lu.assertStrMatches(process:line(), "%d+ has left")
  local conn <close> = example.client(address)
  conn:write("still there?\n")
  lu.assertEquals(conn:read(), 'Server Got Your Message: "still there?"')
  example.interrupt(process)
end

-- --------------------------------------------------------------- friendly echo

-- C7.2
function spec.test_friendly_echo_gives_back_each_line()
  local process <close>, address = example.serve("04_friendly_echo", { free })
  lu.assertEquals(say(address, "one\\ntwo\\n"), "one\ntwo\n")
  local line = ("x"):rep(100000)
  lu.assertEquals(say(address, line), line .. "\n")
  example.interrupt(process)
end

-- ----------------------------------------------------------------------- proxy

-- The other side answers when all is said: so both halves are closed rightly.
function spec.test_the_proxy_passes_on_the_end_of_each_direction()
  local server <close> = example.server("wc -c")
  local process <close>, address = example.serve("05_proxy",
    { free, server.address })
  lu.assertEquals(say(address, "12345678"), "8\n")
  example.interrupt(process)
end

-- C7.4
function spec.test_the_proxy_passes_on_what_is_large()
  local server <close> = example.server("cat")
  local process <close>, address = example.serve("05_proxy",
    { free, server.address })
  lu.assertEquals(
    example.shell("seq 500000 | " .. example.nc(address) .. " | cksum"),
    example.shell("seq 500000 | cksum"))
  example.interrupt(process)
end

function spec.test_the_proxy_stands_before_a_web_server()
  local server <close> = example.server [[
    read -r request
    while read -r line && [ ${#line} -gt 1 ]; do :; done
    printf 'HTTP/1.0 200 OK\r\n\r\n%s' "${request% *}"]]
  local process <close>, address = example.serve("05_proxy",
    { free, server.address })
  lu.assertEquals(example.shell(
    "curl --silent --max-time 30 http://" .. address .. "/path"),
    "GET /path")
  example.interrupt(process)
end

function spec.test_the_proxy_tells_that_nobody_is_there()
  local closed = assert(net.listen(free))
  local there = closed:address()
  closed:close()
  local process <close>, address = example.serve("05_proxy", { free, there })
  lu.assertEquals(say(address, "x"), "")
  lu.assertEquals(process:line(), ("connect %s: connection refused "
    .. "(ECONNREFUSED)"):format(there))
  example.interrupt(process)
end

-- ---------------------------------------------------------------- port scanner

-- C7.1
function spec.test_the_scanner_finds_the_ports_that_are_open()
  local server <close> = example.server("cat")
  local port = tonumber(server.address:match("%d+$"))
  local first, last = math.max(port - 300, 1), math.min(port + 300, 65535)
  local out = example.output("06_port_scanner", { first, last, 50 })
  lu.assertStrContains("\n" .. out, ("\n%d\n"):format(port))
  lu.assertStrContains(out, ("\n%d ports, "):format(last - first + 1))
  lu.assertEquals(example.output("06_port_scanner", { port, port }),
    ("%d\n1 ports, 1 open\n"):format(port))
end

function spec.test_the_scanner_tells_of_what_it_cannot_scan()
  local out = example.output("06_port_scanner",
    { 80, 80, 1, "miniloop-spec.invalid" })
  lu.assertStrMatches(out, "80 %(connect miniloop%-spec.invalid:80: .*%)\n"
    .. "1 ports, 0 open\n")
end

-- ------------------------------------------------- a chat of groups, channels

-- Two clients, in the order in which the server took them: the first hears of
-- the second, whose name is given, too.
local function two_clients(address)
  local a, b = example.client(address), example.client(address)
  local which = ml.any { syscall.wait_io_read(a), syscall.wait_io_read(b) }
  if which == 2 then
    a, b = b, a
  end
  return a, b, a:read():match("^(127%.0%.0%.1:%d+) came$")
end

-- C5.3, C5.4, C6.1
function spec.test_the_chat_of_groups_tells_all_but_who_says_it()
  local process <close>, address = example.serve("10_chat", { free })
  local a, b, name_b = two_clients(address)
  lu.assertNotNil(name_b)
  b:write("hello\n", "again\n")
  lu.assertEquals(a:read(), name_b .. ": hello")
  lu.assertEquals(a:read(), name_b .. ": again")
  lu.assertEquals(say(address, "in passing\\n"), "")
  for _, conn in ipairs { a, b } do
    lu.assertStrMatches(conn:read(), "127%.0%.0%.1:%d+ came")
    lu.assertStrMatches(conn:read(), "127%.0%.0%.1:%d+: in passing")
    lu.assertStrMatches(conn:read(), "127%.0%.0%.1:%d+ left")
  end
  b:close()
  lu.assertEquals(a:read(), name_b .. " left")
  a:close()
  lu.assertEquals(example.interrupt(process), "")
end

-- ----------------------------------------------------------- graceful shutdown

-- The server, and a client whose first request was answered.
local function busy_server(grace)
  local process, address = example.serve("19_graceful_shutdown",
    { free, grace })
  local conn = example.client(address)
  conn:write("0\n")
  lu.assertEquals(conn:read(), "done: 0")
  return process, conn, address
end

-- Sends the signal; when this returns, the server has heard it.
local function ask_to_stop(process, signal)
  process:kill(signal)
  lu.assertEquals(process:line(), ("got %s, stopping"):format(signal))
end

local function assert_ended_well(process, out)
  command.expect(process:finish(), 0, out, "")
end

-- C5.10, C7.2, C8.5
function spec.test_shutdown_lets_finish_and_accepts_nobody()
  for _, signal in ipairs { "TERM", "INT" } do
    local process <close>, conn, address = busy_server(60)
    ask_to_stop(process, signal)
    conn:write("0.05\n")
    lu.assertEquals(conn:read(), "done: 0.05")
    lu.assertEquals(
      example.shell(example.nc(address) .. " </dev/null 2>&1 || echo refused"),
      "refused\n")
    conn:close()
    assert_ended_well(process, "everybody was served\n")
  end
end

-- C7.2
function spec.test_shutdown_cuts_what_takes_too_long()
  local process <close>, conn = busy_server(0.1)
  conn:write("3600\n")
  ask_to_stop(process, "TERM")
  lu.assertNil(conn:read())
  conn:close()
  assert_ended_well(process, "cut some off: ETIMEDOUT\n")
end

-- ------------------------------------------------------------------- LuaSocket

-- C3.1
function spec.test_luasocket_serves_by_waiting()
  local process <close>, address = example.serve("08_luasocket",
    { "127.0.0.1", "0" })
  local idle <close> = example.client(address)
  lu.assertEquals(say(address, "one\\ntwo\\n"), "ONE\nTWO\n")
  idle:write("half")
  lu.assertEquals(say(address, "three\\n"), "THREE\n")
  idle:write(" a line\n")
  lu.assertEquals(idle:read(), "HALF A LINE")
  lu.assertEquals(
    example.shell("seq 50000 | tr 0-9 a-j | " .. example.nc(address)
      .. " | cksum"),
    example.shell("seq 50000 | tr 0-9 A-J | cksum"))
  example.interrupt(process)
end

function spec.test_luasocket_is_asked_for_where_it_is_missing()
  local process <close> = example.start("08_luasocket", {},
    { shell = "export LUA_PATH=/nowhere LUA_CPATH=/nowhere" })
  local result = process:finish()
  lu.assertEquals(result.status, 1)
  lu.assertEquals(result.err,
    "This example needs LuaSocket: apt install lua-socket\n")
end

return spec
