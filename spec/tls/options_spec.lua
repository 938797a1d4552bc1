-- The options of TLS, each with values that it takes and that it does not:
-- C2.1, C7.3.

local lu = require "luaunit"
local net = require "miniloop.net"
local tls = require "miniloop.tls"
local certificates = require "spec.support.certificates"
local openssl = require "spec.support.openssl"
local tls_pair = require "spec.support.tls_pair"

local spec = { before_each = certificates.need }

local long = ("x"):rep(256)

local function many(n, text)
  local list = {}
  for i = 1, n do
    list[i] = text
  end
  return list
end

-- Values that an option must not have, and what it must be.
local bad = {
  alpn = { "a list of names of 1 to 255 bytes",
    "h2", {}, { "" }, { 5 }, { long }, many(100, long:sub(1, 255)), 1 },
  ca = { "a string or a list of strings", 1, {}, { 1 }, { "a", 2 }, true },
  cert = { "a string", 1, {}, true },
  min = { '"1.2" or "1.3"', 1.3, "1.1", "", true },
  sni = { "a table of { cert =, key = } by name",
    1, { "x" }, { [1] = { cert = "x" } }, { a = {} }, { a = { cert = 1 } },
    { a = { cert = "x", key = 1 } }, { a = "x" } },
  tickets = { "true or false", 1, "true", {} },
  verify = { 'true, false or "optional"', 1, "always", {} },
}

function spec.test_a_context_takes_no_others()
  for name, values in pairs(bad) do
    for i = 2, #values do
      local ok, message = pcall(tls.context, { [name] = values[i] })
      lu.assertFalse(ok)
      lu.assertStrContains(message,
        ("option '%s' of TLS must be %s"):format(name, values[1]))
    end
  end
end

function spec.test_one_connection_takes_no_others()
  local near, far = net.pair()
  for _, case in ipairs {
    { { timeout = "1" }, "'timeout' of TLS must be a number of seconds" },
    { { timeout = 0 / 0 }, "'timeout' of TLS must be a number of seconds" },
    { { name = 5 }, "'name' of TLS must be the name of a host" },
    { { name = "" }, "'name' of TLS must be the name of a host" },
    { { name = "a\0b" }, "'name' of TLS must be the name of a host" },
    { { server = 1 }, "'server' of TLS must be true or false" },
    { { context = {} }, "'context' of TLS must be a context that tls.context" },
    { { "name" }, "options have names" },
    { { nmae = "x" }, "unknown option 'nmae' of TLS; did you mean 'name'?" },
    { { zzzzzz = 1 }, "unknown option 'zzzzzz' of TLS" },
    { { context = assert(tls.context()), ca = "x" },
      "option 'ca' of TLS cannot stand beside a context" },
    { { server = true, alpn = { "x" },
        context = assert(tls.context(certificates.of "server")) },
      "of a server of TLS, 'alpn' is an option of its context" },
    { { server = true, context = assert(tls.context()) },
      "a server of TLS needs the option 'cert'" },
    { tls_pair.server { verify = true },
      "to verify clients of TLS takes the option 'ca'" },
    { tls_pair.server { verify = "optional" },
      "to verify clients of TLS takes the option 'ca'" },
    { {}, "to verify a server of TLS takes the option 'name'" },
  } do
    local ok, message = pcall(near.starttls, near, case[1])
    lu.assertFalse(ok)
    lu.assertStrContains(message, case[2])
  end
  near:close()
  far:close()
end

-- A context says how its connections verify, unless they say so themselves.
function spec.test_a_context_that_verifies_nobody_needs_no_name()
  local client = assert(tls.context { verify = false })
  local server = assert(tls.context(certificates.of "server"))
  local pair <close> = tls_pair.open({ context = client },
    { server = true, context = server, verify = false })
  pair.near:write "word"
  lu.assertEquals(pair.far:recv(), "word")
end

function spec.test_the_least_version_is_kept()
  for least, options in pairs { ["1.2"] = "-tls1_2", ["1.3"] = "-tls1_3" } do
    local own = certificates.of("server", { min = least })
    local listener <close> = assert(net.listen("127.0.0.1:0", { tls = own }))
    local client <close> = openssl.start(("s_client -connect %s %s"):format(
      listener:address(), options))
    local conn <close> = assert(listener:accept(10))
    lu.assertTrue(conn:handshake(10))
    lu.assertEquals(conn:tls().version, "TLSv" .. least)
    client:expect("Verification")
  end
end

function spec.test_an_older_version_is_refused()
  local own = certificates.of("server", { min = "1.3" })
  local listener <close> = assert(net.listen("127.0.0.1:0", { tls = own }))
  local client <close> = openssl.start("s_client -tls1_2 -connect "
    .. listener:address())
  local conn <close> = assert(listener:accept(10))
  local ok, err = conn:handshake(10)
  lu.assertNil(ok)
  lu.assertStrContains(err.reason, "unsupported protocol")
  client:expect("alert protocol version")
end

return spec
