-- Whom a client believes, and a server: what is refused, and by which words.

local lu = require "luaunit"
local net = require "miniloop.net"
local tls = require "miniloop.tls"
local certificates = require "spec.support.certificates"
local tls_pair = require "spec.support.tls_pair"

local spec = {}

local near, far

function spec.before_each()
  certificates.need()
  near, far = net.pair()
end

function spec.after_each()
  near:close()
  far:close()
end

local path = certificates.path

-- What a handshake came to at both ends: "ok", or the code and the reason.
local function outcome(answers)
  local ok, err = answers[1], answers[2]
  return ok and "ok" or ("%s: %s"):format(err.code, err.reason)
end

local function shake(client, server)
  local mine, other = tls_pair.shake(near, far, client, server)
  return outcome(mine), outcome(other)
end

-- The client refuses the certificate of that name for that reason, and the
-- server hears the alert.
local function assert_refused(name, reason, alert, options)
  local mine, other = shake(tls_pair.client(options), tls_pair.server({}, name))
  lu.assertEquals({ mine, other },
    { "ETLS_CERT: " .. reason, "ETLS_ALERT: " .. alert })
end

-- ------------------------------------------------------------ of the server

function spec.test_a_certificate_of_a_trusted_authority_is_accepted()
  lu.assertEquals({ shake() }, { "ok", "ok" })
  local certificate = near:tls().certificate
  lu.assertEquals(certificate.subject, "CN=localhost")
  lu.assertEquals(certificate.issuer, "CN=the ca")
  lu.assertEquals(certificate.names, { "localhost" })
  lu.assertStrMatches(certificate.fingerprint, ("%x"):rep(64))
  lu.assertTrue(certificate.from <= os.time())
  lu.assertTrue(certificate.till - certificate.from == 30 * 24 * 3600)
end

function spec.test_a_certificate_may_name_nobody()
  local server = {
    server = true, cert = path("nameless.pem"), key = path("self.key"),
  }
  lu.assertEquals(shake(tls_pair.client { verify = false }, server), "ok")
  local certificate = near:tls().certificate
  lu.assertEquals({ certificate.subject, certificate.issuer }, { "", "" })
end

-- Of a name that has no end the beginning is told.
function spec.test_a_certificate_may_have_a_very_long_name()
  local server = {
    server = true, cert = path("long.pem"), key = path("self.key"),
  }
  lu.assertEquals(shake(tls_pair.client { verify = false }, server), "ok")
  local subject = near:tls().certificate.subject
  lu.assertEquals(#subject, 1024)
  lu.assertEquals(subject:sub(1, 65), "OU=" .. ("%060d"):format(18) .. ",O")
end

function spec.test_an_address_in_numbers_is_looked_for_in_the_certificate()
  lu.assertEquals(shake(tls_pair.client { name = "127.0.0.1" }), "ok")
  lu.assertNil(far:tls().name) -- it cannot be asked for
end

function spec.test_a_chain_is_sent_and_followed()
  local server = {
    server = true, cert = path("chain.pem"), key = path("leaf.key"),
  }
  lu.assertEquals(shake(nil, server), "ok")
end

function spec.test_a_chain_with_a_gap_is_refused()
  assert_refused("leaf", "unable to get local issuer certificate", "unknown ca")
end

function spec.test_an_expired_certificate_is_refused()
  assert_refused("expired", "certificate has expired", "certificate expired")
end

function spec.test_a_certificate_of_another_host_is_refused()
  assert_refused("elsewhere", "hostname mismatch", "bad certificate")
end

function spec.test_a_certificate_without_the_address_is_refused()
  assert_refused("server", "IP address mismatch", "bad certificate",
    { name = "127.0.0.2" })
end

function spec.test_a_certificate_signed_by_itself_is_refused()
  assert_refused("self", "self-signed certificate", "unknown ca")
end

function spec.test_a_certificate_of_an_unknown_authority_is_refused()
  assert_refused("unknown", "unable to get local issuer certificate",
    "unknown ca")
end

function spec.test_the_systems_roots_do_not_vouch_for_our_certificates()
  local mine = shake { name = "localhost" }
  lu.assertEquals(mine, "ETLS_CERT: unable to get local issuer certificate")
end

function spec.test_a_revoked_certificate_is_refused()
  assert_refused("revoked", "certificate revoked", "certificate revoked",
    { crl = path("crl.pem") })
end

function spec.test_one_that_is_not_in_the_list_is_accepted()
  lu.assertEquals(shake(tls_pair.client { crl = path("crl.pem") }), "ok")
end

function spec.test_without_the_list_it_is_not_known_that_it_was_revoked()
  lu.assertEquals(shake(nil, tls_pair.server({}, "revoked")), "ok")
end

function spec.test_an_authority_without_a_list_is_refused()
  local server = {
    server = true, cert = path("chain.pem"), key = path("leaf.key"),
  }
  lu.assertEquals(shake(tls_pair.client { crl = path("crl.pem") }, server),
    "ETLS_CERT: unable to get certificate CRL")
end

function spec.test_what_is_wrong_can_be_accepted_if_one_asks_for_it()
  lu.assertEquals(shake({ verify = false }, tls_pair.server({}, "expired")),
    "ok")
  lu.assertFalse(near:tls().verified)
end

function spec.test_pem_text_is_as_good_as_a_file()
  local server = {
    server = true, cert = certificates.text("server.pem")
      .. certificates.text("server.key"),
  }
  local client = { name = "localhost", ca = { certificates.text("ca.pem") } }
  lu.assertEquals(shake(client, server), "ok")
end

function spec.test_one_of_several_authorities_is_enough()
  local client = tls_pair.client {
    ca = { "system", path("other.pem"), path("ca.pem") },
  }
  lu.assertEquals(shake(client), "ok")
end

-- ------------------------------------------------------------ of the client

local function required(options)
  options = options or {}
  options.verify, options.ca = true, path("ca.pem")
  return tls_pair.server(options)
end

function spec.test_a_client_that_shows_the_right_certificate_is_let_in()
  local client = tls_pair.client(certificates.of("client"))
  lu.assertEquals({ shake(client, required()) }, { "ok", "ok" })
  lu.assertEquals(far:tls().certificate.subject, "CN=alice")
end

-- In TLS 1.3 the client has long finished when the server finds out.
function spec.test_a_client_without_a_certificate_is_refused()
  local _, other = shake(nil, required())
  lu.assertEquals(other, "ETLS_CERT: peer did not return a certificate")
  local bytes, err = near:recv()
  lu.assertNil(bytes)
  lu.assertEquals({ err.code, err.reason },
    { "ETLS_ALERT", "certificate required" })
end

function spec.test_a_client_with_a_certificate_of_others_is_refused()
  local client = tls_pair.client(certificates.of("stranger"))
  local _, other = shake(client, required())
  lu.assertEquals(other, "ETLS_CERT: unable to get local issuer certificate")
end

function spec.test_a_client_may_come_without_where_it_is_optional()
  local server = required()
  server.verify = "optional"
  lu.assertEquals({ shake(nil, server) }, { "ok", "ok" })
  lu.assertNil(far:tls().certificate)
end

function spec.test_where_it_is_optional_a_wrong_one_is_still_refused()
  local server = required()
  server.verify = "optional"
  local client = tls_pair.client(certificates.of("stranger"))
  local _, other = shake(client, server)
  lu.assertEquals(other, "ETLS_CERT: unable to get local issuer certificate")
end

function spec.test_a_server_asks_for_nothing_unless_told()
  local client = tls_pair.client(certificates.of("client"))
  lu.assertEquals({ shake(client) }, { "ok", "ok" })
  lu.assertNil(far:tls().certificate)
end

-- A resumed session shows no certificate: who did not look at it the first time
-- must not be told later that it was looked at.
function spec.test_a_session_begun_without_verifying_vouches_for_nobody()
  local context = assert(tls.context {})
  local server = assert(tls.context(certificates.of("unknown")))
  for _ = 1, 2 do
    local careless <close> = tls_pair.open(
      { context = context, name = "localhost", verify = false },
      { context = server, server = true })
    careless.far:write("x")
    lu.assertEquals(careless.near:recv(), "x")
  end
  lu.assertEquals(shake({ context = context, name = "localhost" },
    { context = server, server = true }),
    "ETLS_CERT: unable to get local issuer certificate")
end

-- The same the other way round: whoever was asked for no certificate by one
-- server of a context must not pass at another one that wants it.
function spec.test_a_session_begun_without_a_certificate_passes_nowhere()
  local options = certificates.of("server")
  options.ca = path("ca.pem")
  local server = assert(tls.context(options))
  local client = assert(tls.context { ca = path("ca.pem") })
  for _ = 1, 2 do
    local lax <close> = tls_pair.open({ context = client, name = "localhost" },
      { context = server, server = true })
    lax.far:write("x")
    lu.assertEquals(lax.near:recv(), "x")
  end
  local _, other = shake({ context = client, name = "localhost" },
    { context = server, server = true, verify = true })
  lu.assertEquals(other, "ETLS_CERT: peer did not return a certificate")
end

return spec
