-- What an address is, for all calls that take one, and what names stand for:
-- C7.3, C7.5, C2.1.

local assert_code = require "spec.support.assert_code"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local raises = require "spec.support.raises"

local spec = {}

local udp

function spec.before_each()
  udp = assert(net.udp("127.0.0.1:0"))
end

function spec.after_each()
  udp:close()
end

local function sendto(address)
  return udp:sendto("x", address)
end

local function associate(address)
  return udp:connect(address)
end

-- By the name that their errors have.
local calls = {
  listen = net.listen, connect = net.connect, udp = net.udp, sendto = sendto,
}

-- ------------------------------------------------------------------ no address

function spec.test_text_that_is_no_address_is_refused_with_the_reason()
  for text, reason in pairs {
    [""] = "empty", ["127.0.0.1"] = "port is missing", ["a b:1"] = "space",
    ["::1:80"] = "brackets", ["[::1:80"] = "not closed", ["h:65536"] = "65535",
    ["h:-1"] = "number", ["unix:"] = "path is empty", ["/tmp/s"] = "unix:/path",
    ["http://h:1"] = "host:port", ["[h]:1"] = "IPv6", ["h:x y"] = "service",
    ["h:1\0"] = "NUL", [("h"):rep(256) .. ":1"] = "too long",
    ["unix:/" .. ("s"):rep(200)] = "too long",
  } do
    for name, call in pairs(calls) do
      local err = assert_code("EINVAL", call(text))
      lu.assertEquals({ err.op, err.address }, { name, text:match("^%Z*") })
      lu.assertStrContains(err.reason, reason)
    end
  end
end

function spec.test_a_table_that_is_no_address_is_refused_with_the_reason()
  for _, call in pairs(calls) do
    lu.assertStrContains(assert_code("EINVAL", call { host = "h" }).reason,
      "port is missing")
    lu.assertStrContains(assert_code("EINVAL", call { port = 65536 }).reason,
      "65535")
    lu.assertStrContains(assert_code("EINVAL", call { path = "" }).reason,
      "path is empty")
  end
end

function spec.test_a_value_that_cannot_be_an_address_is_misuse()
  for _, call in ipairs { net.listen, net.connect, net.udp } do
    raises("an address expected, got number", function() call(80) end)
    raises("has host and port, or path, or fd", function() call({}) end)
    raises("'host' must be", function() call({ host = 1, port = 1 }) end)
    raises("'port' must be", function() call({ port = "80" }) end)
    raises("'port' must be", function() call({ port = 1.5 }) end)
    raises("'fd' must be", function() call({ fd = "0" }) end)
    raises("'path' must be", function() call({ path = 0 }) end)
    raises("or path, or fd", function() call({ port = 1, fd = 1 }) end)
    raises("or path, or fd", function() call({ path = "p", fd = 1 }) end)
    raises("did you mean 'port'", function() call({ prot = 80 }) end)
    raises("bad argument #1", function() call({ [true] = 1 }) end)
  end
  raises("bad argument #2 to 'sendto'", function() udp:sendto("x", 80) end)
  raises("bad argument #1 to 'connect'", function() udp:connect() end)
end

function spec.test_a_datagram_goes_to_a_host_and_a_port()
  for _, call in ipairs { sendto, associate } do
    assert_code("EINVAL", call("unix:/tmp/s"))
    assert_code("EINVAL", call { fd = 0 })
  end
  assert_code("EAFNOSUPPORT", net.udp("unix:/tmp/s"))
end

-- --------------------------------------------------------------------- texts

-- What address() gives is an address, again.
function spec.test_address_texts_lead_back()
  for text, pattern in pairs {
    ["127.0.0.1:0"] = "^127%.0%.0%.1:%d+$", ["[::1]:0"] = "^%[::1%]:%d+$",
    ["[0:0:0:0:0:0:0:1]:0"] = "^%[::1%]:%d+$",
    ["0.0.0.0:0"] = "^0%.0%.0%.0:%d+$",
    ["unix:@miniloop-spec"] = "^unix:@miniloop%-spec$",
  } do
    local listener <close> = assert(net.listen(text))
    lu.assertStrMatches(listener:address(), pattern)
    local near <close> = assert(net.connect(listener:address()))
    local far <close> = assert(listener:accept())
    lu.assertEquals(far:address(), listener:address():gsub("0%.0%.0%.0",
      "127.0.0.1"))
    lu.assertTrue(near:close())
  end
end

function spec.test_an_ipv4_peer_of_a_dual_stack_listener_has_its_own_address()
  local listener <close> = assert(net.listen(":0"))
  local port = listener:address():match(":(%d+)$")
  local near <close> = assert(net.connect("127.0.0.1:" .. port))
  local far <close> = assert(listener:accept())
  lu.assertEquals(far:peer(), near:address())
  lu.assertEquals(far:address(), "127.0.0.1:" .. port)
end

function spec.test_a_zone_is_part_of_an_address()
  local _, err = net.connect("[fe80::1%no-such-interface]:1")
  lu.assertEquals(err.code, "ENODEV")
  lu.assertEquals(err.address, "[fe80::1%no-such-interface]:1")
end

-- --------------------------------------------------------------------- names

function spec.test_resolve_gives_the_addresses_of_a_host()
  lu.assertEquals(net.resolve("localhost", { family = "ipv4" }),
    { "127.0.0.1" })
  lu.assertEquals(net.resolve("127.0.0.1"), { "127.0.0.1" })
  lu.assertEquals(net.resolve("::1"), { "::1" })
end

function spec.test_resolve_gives_whole_addresses_if_there_is_a_port()
  lu.assertEquals(net.resolve("127.0.0.1:80"), { "127.0.0.1:80" })
  lu.assertEquals(net.resolve("[::1]:80"), { "[::1]:80" })
end

-- The names are the system's: a small one has none of them.
function spec.test_a_port_may_be_the_name_of_a_service()
  local found, err = net.resolve("[::1]:http")
  if found then
    lu.assertEquals(found, { "[::1]:80" })
  else
    lu.assertEquals(err.code, "EAI_SERVICE")
    lu.assertNil(io.open("/etc/services"))
  end
end

function spec.test_what_resolve_gives_can_be_connected_to()
  local listener <close> = assert(net.listen("127.0.0.1:0"))
  local name = listener:address():gsub("127.0.0.1", "localhost")
  local near <close> = assert(net.connect(assert(net.resolve(name))))
  lu.assertEquals(near:peer(), listener:address())
end

function spec.test_resolve_tells_why_there_is_nothing()
  local value, err = net.resolve("no-such-host.invalid")
  lu.assertNil(value)
  lu.assertStrMatches(err.code, "EAI_%u+")
  lu.assertEquals({ err.op, err.address },
    { "resolve", "no-such-host.invalid" })
  lu.assertEquals(assert_code("EINVAL", net.resolve("")).address, "")
  assert_code("EINVAL", net.resolve("a b"))
  assert_code("ETIMEDOUT", net.resolve("localhost", { timeout = 0 }))
end

function spec.test_resolve_misused()
  raises("bad argument #1 to 'resolve'", function() net.resolve(1) end)
  raises("'family' must be", function() net.resolve("h", { family = "x" }) end)
  raises("unknown option 'prot'", function() net.resolve("h", { prot = 1 }) end)
end

function spec.test_a_look_up_that_is_cut_leaves_nothing()
  for _, name in ipairs { "kill", "cancel" } do
    for _, call in pairs(calls) do
      local task = ml.spawn(call, "localhost:0")
      ml.yield()
      lu.assertEquals(task:status(), "waiting")
      task[name](task)
      assert_code("ECANCELED", task:wait())
    end
  end
end

function spec.test_a_hundred_names_are_looked_up_at_once()
  local tasks = {}
  for i = 1, 100 do
    tasks[i] = ml.spawn(net.resolve, "localhost", { family = "ipv4" })
  end
  for _, task in ipairs(tasks) do
    lu.assertEquals({ task:wait() }, { true, { "127.0.0.1" } })
  end
end

-- --------------------------------------------------------------------- module

-- serve is described where it is made, the others in lua/meta.
function spec.test_every_function_of_the_module_is_described()
  local root = arg[0]:match("^(.*/)spec/[^/]*$") or ""
  local described, made = { "serve" }, {}
  for _, name in ipairs { "net", "stream" } do
    local stub = dofile(root .. "lua/meta/" .. name .. ".lua")
    for function_name in pairs(stub) do
      table.insert(described, function_name)
    end
  end
  for function_name in pairs(net) do
    table.insert(made, function_name)
  end
  lu.assertItemsEquals(described, made)
end

function spec.test_an_unknown_field_of_the_module_is_misuse()
  raises("did you mean 'connect'?", function() return net.conect end)
end

return spec
