-- OpenSSL's own client and server, and curl, at the other end: what they make
-- of ours, and what ours make of their worse sides.

local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local certificates = require "spec.support.certificates"
local openssl = require "spec.support.openssl"
local shell = require "spec.support.shell"

local spec = {}

local path = certificates.path

-- A server of ours, to be closed, and the words that lead s_client to it.
local function serve(handler, options, on_error)
  local server = assert(net.serve("127.0.0.1:0", handler, {
    tls = certificates.of("server", options),
    on_error = on_error or function() end, -- clients are killed in the end
  }))
  return server, ("s_client -connect %s -servername localhost -CAfile %s "
    .. "-verify_return_error "):format(server:address(), path("ca.pem"))
end

local function echo(conn)
  for line in conn:lines("L") do
    conn:write(line)
  end
end

local function connect(port, options)
  options = options or {}
  options.ca = path("ca.pem")
  return net.connect("tls://localhost:" .. port, { tls = options })
end

-- The words for s_server with a certificate of ours.
local function identity(name)
  local cert, key = path(name .. ".pem"), path(name .. ".key")
  return ("-cert %s -key %s "):format(cert, key)
end

local function ask_server(client)
  client.input:write("hello\n")
  client:expect("hello$") -- behind what else was half written
end

-- ----------------------------------------------- our server, their client

function spec.test_s_client_talks_to_our_server()
  local _ <close>, words = serve(echo)
  local client <close> = openssl.start(words)
  client:expect("Verification: OK")
  ask_server(client)
end

function spec.test_s_client_talks_tls_1_2_to_our_server()
  local _ <close>, words = serve(function(conn)
    lu.assertEquals(conn:tls().version, "TLSv1.2")
    echo(conn)
  end)
  local client <close> = openssl.start(words .. "-tls1_2")
  client:expect("Cipher is ECDHE%-ECDSA%-AES")
  ask_server(client)
end

function spec.test_older_versions_are_refused()
  local told
  local _ <close>, words = serve(echo, {}, function(err)
    told = err
  end)
  local client <close> = openssl.start(words
    .. "-tls1_1 -cipher DEFAULT@SECLEVEL=0")
  client:expect("alert protocol version")
  lu.assertEquals({ told.op, told.code, told.reason },
    { "handshake", "ETLS_PROTOCOL", "unsupported protocol" })
end

function spec.test_ciphers_that_are_not_safe_are_refused()
  local told
  local _ <close>, words = serve(echo, {}, function(err)
    told = err
  end)
  local client <close> = openssl.start(words
    .. "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA")
  client:expect("alert handshake failure")
  lu.assertEquals(told.reason, "no shared cipher")
end

function spec.test_a_client_that_wants_to_renegotiate_does_not_get_it()
  local _ <close>, words = serve(echo, {}, function() end)
  local client <close> = openssl.start(words .. "-tls1_2")
  ask_server(client)
  client.input:write("R\n")
  client:expect("no renegotiation")
end

-- The client asks the server for new keys while both send.
function spec.test_keys_are_updated_under_load()
  local count = 0
  local _ <close>, words = serve(function(conn)
    local writer = ml.spawn(function()
      while conn:write(("x"):rep(99), "\n") do
        ml.yield()
      end
    end)
    for line in conn:lines() do
      count = line == "end" and count or count + 1
      if line == "end" then
        writer:cancel()
        writer:wait()
        conn:write("done ", count, "\n")
      end
    end
  end, {}, function() end)
  local client <close> = openssl.start(words)
  local feeder = ml.spawn(function()
    for _ = 1, 50 do
      client.input:write("data\n")
      ml.yield()
      client.input:write("K\n")
      ml.yield()
    end
    client.input:write("end\n")
  end)
  -- s_client takes a K for a command only at the start of what it reads at
  -- once: some may have come as data.
  lu.assertTrue(tonumber(client:expect("done (%d+)$")) >= 50)
  feeder:wait()
end

function spec.test_s_client_resumes_a_session()
  local file = os.tmpname()
  local _ <close>, words = serve(echo)
  do
    local client <close> = openssl.start(words .. "-sess_out " .. file)
    ask_server(client)
    client.input:write("Q\n")
    client:expect("DONE")
  end
  local client <close> = openssl.start(words .. "-sess_in " .. file)
  client:expect("^Reused, TLSv1.3")
  os.remove(file)
end

function spec.test_s_client_is_told_the_protocol()
  local _ <close>, words = serve(echo, { alpn = { "h2", "http/1.1" } })
  local client <close> = openssl.start(words .. "-alpn http/1.1,h2")
  client:expect("ALPN protocol: h2")
end

function spec.test_s_client_shows_a_certificate()
  local subject
  local _ <close>, words = serve(function(conn)
    subject = conn:tls().certificate.subject
    echo(conn)
  end, { verify = true, ca = path("ca.pem") })
  local client <close> = openssl.start(words .. identity("client"))
  ask_server(client)
  lu.assertEquals(subject, "CN=alice")
end

function spec.test_curl_fetches_a_page()
  shell.need("curl")
  local server <close> = serve(function(conn)
    repeat
      local line = conn:read("l")
    until line == "\r"
    conn:write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
      ("x"):rep(100000))
  end)
  local pipe = assert(io.popen(("curl -sS --cacert %s https://localhost:%s "
    .. "2>&1"):format(path("ca.pem"), server:address():match("%d+$"))))
  local output <close> = net.stream(pipe)
  local page = output:read("a")
  pipe:close()
  lu.assertEquals(#page, 100000, page:sub(1, 200))
end

-- ----------------------------------------------- our client, their server

-- An s_server and its port; the options of the client decide.
local function with_server(words, options, f)
  local server <close>, port = openssl.server(words)
  local conn <close>, err = connect(port, options)
  return f(conn, err, server)
end

function spec.test_our_client_talks_to_s_server()
  for version, words in pairs { ["TLSv1.3"] = "", ["TLSv1.2"] = "-tls1_2" } do
    with_server(identity("server") .. "-rev " .. words, {},
      function(conn, err)
        lu.assertNil(err)
        lu.assertEquals(conn:tls().version, version)
        conn:write("stream\n")
        lu.assertEquals(conn:read("l"), "maerts")
      end)
  end
end

function spec.test_our_client_says_what_is_wrong_with_a_server()
  for name, reason in pairs {
    expired = "certificate has expired",
    elsewhere = "hostname mismatch",
    self = "self-signed certificate",
    unknown = "unable to get local issuer certificate",
    revoked = "certificate revoked",
  } do
    with_server(identity(name), { crl = path("crl.pem") }, function(conn, err)
      lu.assertNil(conn)
      lu.assertEquals({ err.code, err.reason, err.op },
        { "ETLS_CERT", reason, "handshake" })
      lu.assertStrMatches(tostring(err),
        "handshake localhost:%d+: the peer's certificate is refused "
        .. "%(ETLS_CERT%): " .. reason:gsub("%-", "%%-"))
    end)
  end
end

function spec.test_a_server_that_wants_to_renegotiate_does_not_get_it()
  with_server(identity("server") .. "-tls1_2", {}, function(conn, err, server)
    lu.assertNil(err)
    conn:write("hello\n")
    server:expect("hello")
    server.input:write("R\n")
    server:expect("SSL_do_handshake")
    server.input:write("still here\n")
    local bytes
    bytes, err = conn:read("l")
    -- The server may take the refusal for a reason to give up.
    lu.assertTrue(bytes == "still here" or err == nil
      or err.code:find("^ETLS_") ~= nil or err.code == "ECONNRESET")
  end)
end

function spec.test_a_server_that_updates_its_keys_is_followed()
  with_server(identity("server"), {}, function(conn, err, server)
    lu.assertNil(err)
    conn:write("hello\n")
    server:expect("hello")
    for i = 1, 5 do
      server.input:write("K\n")
      server:expect("SSL_do_handshake")
      server.input:write("line " .. i .. "\n")
      repeat
        local line = conn:read("l")
      until line == "line " .. i
      conn:write("answer " .. i .. "\n")
      server:expect("answer " .. i)
    end
  end)
end

function spec.test_sessions_of_1_2_are_resumed()
  local _ <close>, port = openssl.server(identity("server")
    .. "-tls1_2 -rev")
  local context = assert(require "miniloop.tls".context {
    ca = path("ca.pem"),
  })
  for i = 1, 2 do
    local conn <close> = assert(net.connect("tls://localhost:" .. port,
      { tls = context }))
    conn:write("ab\n")
    lu.assertEquals(conn:read("l"), "ba")
    lu.assertEquals(conn:tls().resumed, i == 2)
  end
end

function spec.test_a_server_that_is_killed_has_cut_us_off()
  with_server(identity("server"), {}, function(conn, err, server)
    lu.assertNil(err)
    conn:write("hello\n")
    server:expect("hello")
    server:kill()
    local bytes
    bytes, err = conn:read("a")
    lu.assertNil(bytes)
    lu.assertEquals(err.code, "ETLS_TRUNCATED")
  end)
end

return spec
