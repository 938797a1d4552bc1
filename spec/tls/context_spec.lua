-- Contexts: what they are made of, and what is no good for it. C2.1, C9.2.

local lu = require "luaunit"
local tls = require "miniloop.tls"
local certificates = require "spec.support.certificates"
local raises = require "spec.support.raises"

local spec = { before_each = certificates.need }

local path = certificates.path

local function assert_refused(code, reason, options)
  local context, err = tls.context(options)
  lu.assertNil(context)
  lu.assertEquals({ err.op, err.code }, { "tls", code })
  if reason then
    lu.assertStrContains(err.reason, reason)
  end
  return err
end

function spec.test_openssl_is_there()
  lu.assertTrue(tls.available())
  lu.assertStrMatches(tostring(assert(tls.context())), "context of TLS: .*")
end

function spec.test_a_file_that_is_not_there_is_named()
  for _, options in ipairs {
    { cert = "/nowhere.pem" }, { ca = "/nowhere.pem" },
    { crl = { "/nowhere.pem" } },
  } do
    local err = assert_refused("ENOENT", nil, options)
    lu.assertEquals(tostring(err),
      "tls /nowhere.pem: no such file or directory (ENOENT)")
  end
end

function spec.test_a_file_of_another_kind_is_refused()
  local key = path("server.key")
  assert_refused("ETLS_CONTEXT", "there is no certificate in it",
    { cert = key })
  assert_refused("ETLS_CONTEXT", "there is no private key in it",
    { cert = path("server.pem") })
  assert_refused("ETLS_CONTEXT", "there is no certificate in it",
    { ca = { key, path("ca.pem") } })
  assert_refused("ETLS_CONTEXT", "there is no CRL in it", { crl = key })
end

function spec.test_tickets_may_be_asked_for_too()
  lu.assertNotNil(tls.context(certificates.of("server", { tickets = true })))
end

function spec.test_a_list_that_is_broken_in_the_middle_is_refused()
  local list = certificates.text("crl.pem")
  local broken = list:gsub("....\n%-%-%-%-%-END", "!!!!\n-----END")
  assert_refused("ETLS_CONTEXT", "bad base64 decode", { crl = list .. broken })
end

function spec.test_a_password_that_is_longer_than_any_is_refused()
  assert_refused("ETLS_CONTEXT", nil, { cert = path("server.pem"),
    key = path("locked.key"), password = ("x"):rep(100000) })
end

function spec.test_a_broken_file_is_refused()
  local text = certificates.text("server.pem"):gsub("....\n%-%-%-%-%-END",
    "!!!!\n-----END")
  local err = assert_refused("ETLS_CONTEXT", "bad base64 decode",
    { cert = text })
  lu.assertNil(err.address) -- PEM text is no name
end

function spec.test_a_key_of_another_certificate_is_refused()
  assert_refused("ETLS_CONTEXT", "key values mismatch",
    { cert = path("server.pem"), key = path("client.key") })
end

-- What could not be read as a key may be one all the same.
function spec.test_text_is_never_shown()
  local text = certificates.text("server.key"):gsub("BEGIN", "BEGUN")
  local _, err = tls.context { cert = path("server.pem"), key = text }
  lu.assertNil(err.address)
  lu.assertNil(tostring(err):find(text:sub(40, 60), 1, true))
end

function spec.test_a_locked_key_takes_its_password()
  local options = { cert = path("server.pem"), key = path("locked.key") }
  assert_refused("ETLS_CONTEXT", nil, options)
  options.password = "wrong"
  assert_refused("ETLS_CONTEXT", nil, options)
  options.password = "secret"
  lu.assertNotNil(tls.context(options))
end

function spec.test_a_directory_can_be_trusted()
  lu.assertNotNil(tls.context { ca = path("") })
end

function spec.test_ciphers_that_there_are_not_are_refused()
  assert_refused("ETLS_CONTEXT", "no cipher matches", { ciphers = "NONE" })
  lu.assertNotNil(tls.context { ciphers = "ECDHE+AESGCM" })
end

function spec.test_names_that_nobody_can_ask_for_are_refused()
  for _, name in ipairs { "", "*", "*.", "*x.example", ("x"):rep(254) } do
    assert_refused("ETLS_CONTEXT", "no name that clients can ask for",
      { sni = { [name] = certificates.of("a") } })
  end
end

function spec.test_options_that_make_no_sense_are_misuse()
  for message, options in pairs {
    ["unknown option 'crt' of TLS; did you mean 'crl'?"] = { crt = "x" },
    ["unknown option 'name' of TLS"] = { name = "x" },
    ["option 'min' of TLS must be \"1.2\" or \"1.3\""] = { min = 1.2 },
    ["option 'ca' of TLS must be a string or a list of strings"] =
      { ca = { 1 } },
    ["option 'crl' of TLS must be a string or a list of strings"] =
      { crl = {} },
    ["option 'tickets' of TLS must be true or false"] = { tickets = 1 },
    ["option 'sni' of TLS must be a table of { cert =, key = } by name"] =
      { sni = { a = { key = "x" } } },
    ["options have names"] = { "cert" },
  } do
    raises(("bad argument #1 to 'context' (%s)"):format(message),
      function() tls.context(options) end)
  end
  raises("options of TLS expected, got number", function() tls.context(1) end)
end

function spec.test_the_module_has_no_other_fields()
  raises("miniloop.tls has no field 'contxt'; did you mean 'context'?",
    function() return tls.contxt end)
end

return spec
