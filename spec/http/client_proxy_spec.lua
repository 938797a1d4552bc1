-- HTTPS, and proxies: by an option and by the environment.

local authority = require "spec.support.authority"
local command = require "spec.support.command"
local http = require "miniloop.http"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local peer = require "spec.support.http_peer"
local raises = require "spec.support.raises"
local tls = require "miniloop.tls"

local spec = {}

-- An HTTPS server that shows the head of a request; gives its URL for the host
-- that the certificate names.
local function secure_mirror()
  if not tls.available() then
    lu.skip("there is no OpenSSL")
  end
  local files = authority.files()
  local url, server = peer.serve(function(conn, head)
    conn:write(peer.answer(head))
  end, { tls = { cert = files.cert, key = files.key } })
  return "https://localhost:" .. url:match("%d+$"), server, files.ca
end

-- A proxy that tells the first lines of what it was asked: for CONNECT it
-- passes bytes on.
local function proxy(answer)
  local lines = {}
  local server = assert(net.serve("127.0.0.1:0", function(conn)
    local head = peer.read_head(conn)
    while head do
      lines[#lines + 1] = head
      local to = head:match("^CONNECT (%S+)")
      if answer then
        conn:write(answer)
      elseif to then
        conn:write("HTTP/1.1 200 Connected\r\n\r\n")
        local far <close> = assert(net.connect(to))
        ml.group(function(g)
          g:spawn(function()
            for bytes in function() return far:recv() end do
              conn:write(bytes)
            end
            g:cancel()
          end)
          for bytes in function() return conn:recv() end do
            far:write(bytes)
          end
          g:cancel()
        end)
        return
      else
        conn:write(peer.answer("by proxy"))
      end
      head = peer.read_head(conn)
    end
  end, { on_error = function() end }))
  return server:address(), server, lines
end

-- --------------------------------------------------------------------- HTTPS

function spec.test_https_is_http_over_tls()
  local url, server <close>, ca = secure_mirror()
  local client <close> = peer.client { tls = { ca = ca } }
  local res, err = client:get(url .. "/x")
  lu.assertNil(err)
  lu.assertEquals(res.body:match("^[^\n]*"), "GET /x HTTP/1.1")
  lu.assertEquals(client:get(url .. "/y").status, 200)
  local one <close> = peer.client()
  lu.assertEquals(one:get(url, { tls = { ca = ca } }).status, 200)
  lu.assertNotNil(server)
end

function spec.test_a_server_that_cannot_prove_itself_is_refused()
  local url, server <close>, ca = secure_mirror()
  local stranger <close> = peer.client()
  local res, err = stranger:get(url)
  lu.assertNil(res)
  lu.assertEquals(err.code, "ETLS_CERT")
  local client <close> = peer.client { tls = { ca = ca } }
  res, err = client:get("https://other.example/",
    { connect = "127.0.0.1:" .. url:match("%d+$") })
  lu.assertNil(res)
  lu.assertEquals(err.code, "ETLS_CERT")
  lu.assertNotNil(server)
end

function spec.test_options_of_tls_are_those_of_connections()
  local url, server <close>, ca = secure_mirror()
  local client <close> = peer.client()
  lu.assertEquals(client:get(url, { tls = { verify = false } }).status, 200)
  local res, err = client:get(url, { tls = { ca = ca, name = "other" } })
  lu.assertNil(res)
  lu.assertEquals(err.code, "ETLS_CERT")
  res, err = client:get(url, { tls = { ca = "/nothing" } })
  lu.assertNil(res)
  lu.assertEquals(err.code, "ENOENT")
  raises("unknown option 'verfy' of TLS; did you mean 'verify'?",
    function() client:get(url, { tls = { verfy = false } }) end)
  raises("unknown option 'verfy' of TLS",
    function() http.client { tls = { verfy = false } } end)
  lu.assertNotNil(server)
end

function spec.test_what_trusts_differently_shares_no_connection()
  local url, server <close>, ca = secure_mirror()
  local client <close> = peer.client()
  lu.assertEquals(client:get(url, { tls = { ca = ca } }).status, 200)
  local _, err = client:get(url)
  lu.assertEquals(err.code, "ETLS_CERT")
  lu.assertNotNil(server)
end

function spec.test_a_redirect_may_lead_to_https()
  local url, server <close>, ca = secure_mirror()
  local from, plain <close> = peer.serve(function(conn)
    conn:write(peer.answer("", "Location: " .. url .. "/z\r\n", "302 Found"))
  end)
  local client <close> = peer.client { tls = { ca = ca } }
  local res = client:get(from, { headers = { authorization = "x" } })
  lu.assertEquals({ res.url, res.body:match("^[^\n]*") },
    { url .. "/z", "GET /z HTTP/1.1" })
  lu.assertNotStrContains(res.body, "authorization")
  lu.assertNotNil(server)
  lu.assertNotNil(plain)
end

-- ------------------------------------------------------------------- proxies

function spec.test_http_goes_to_a_proxy_with_the_whole_url()
  local address, server <close>, lines = proxy()
  local client <close> = peer.client {
    proxy = "http://user:pass@" .. address,
  }
  lu.assertEquals(client:get("http://nowhere.example/a?b").body, "by proxy")
  lu.assertEquals(client:get("http://other.example:81/").body, "by proxy")
  lu.assertStrContains(lines[1], "GET http://nowhere.example/a?b HTTP/1.1\n")
  lu.assertStrContains(lines[1], "Host: nowhere.example\n")
  lu.assertStrContains(lines[1], "Proxy-Authorization: Basic dXNlcjpwYXNz")
  lu.assertStrContains(lines[2], "GET http://other.example:81/ HTTP/1.1\n")
  lu.assertNotNil(server)
end

function spec.test_https_goes_through_a_tunnel()
  local url, server <close>, ca = secure_mirror()
  local address, second <close>, lines = proxy()
  local client <close> = peer.client {
    proxy = "http://user:pass@" .. address, tls = { ca = ca },
  }
  local res, err = client:get(url .. "/x", { headers = { a = "b" } })
  lu.assertNil(err)
  lu.assertStrContains(res.body, "GET /x HTTP/1.1\n")
  lu.assertNotStrContains(res.body, "Proxy-Authorization")
  lu.assertEquals(client:get(url .. "/y").status, 200)
  lu.assertEquals(#lines, 1)
  lu.assertStrContains(lines[1], "CONNECT " .. url:match("//(.*)") .. " HTTP")
  lu.assertStrContains(lines[1], "Proxy-Authorization: Basic dXNlcjpwYXNz")
  lu.assertNotStrContains(lines[1], "a: b")
  client:close()
  lu.assertNotNil(server)
  lu.assertNotNil(second)
end

function spec.test_a_proxy_that_refuses_is_told()
  local address, server <close> =
    proxy "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
  local client <close> = peer.client { proxy = address }
  local res, err = client:get("https://h.example/")
  lu.assertNil(res)
  lu.assertEquals({ err.code, err.op, err.address, err.reason },
    { "ECONNREFUSED", "proxy", address, "it answered 403 Forbidden" })
  res, err = client:get("https://h.example/",
    { proxy = "socks5://h:1" })
  lu.assertNil(res)
  lu.assertEquals({ err.code, err.op }, { "EPROTONOSUPPORT", "request" })
  res, err = client:get("http://h.example/",
    { proxy = "http://127.0.0.1:1" })
  lu.assertNil(res)
  lu.assertEquals(err.code, "ECONNREFUSED")
  lu.assertNotNil(server)
end

-- What the command's script gets for these URLs in that environment.
local function in_environment(variables, urls)
  local words = { "unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY "
    .. "HTTPS_PROXY ALL_PROXY NO_PROXY" }
  for name, value in pairs(variables) do
    words[#words + 1] = ("export %s=%s"):format(name, value)
  end
  local script = "local http = require 'miniloop.http'\n"
  for _, url in ipairs(urls) do
    script = script .. ("local res, err = http.get(%q, { timeout = 5 })\n"
      .. "print(res and res.body or err.code .. ' ' .. err.op)\n"):format(url)
  end
  local process <close> = command.start({ "-e", script },
    { shell = table.concat(words, "\n") })
  local out <close> = assert(net.stream(process.pipe))
  return out:read("a")
end

function spec.test_the_environment_names_proxies()
  local address, server <close> = proxy()
  local where = "http://" .. address
  lu.assertEquals(in_environment({ http_proxy = where, no_proxy =
    "a.example,.b.example,*.c.example,127.0.0.1:1" }, {
    "http://x.example/", "http://127.0.0.1:1/", "http://127.0.0.1:2/",
  }), "by proxy\nECONNREFUSED connect\nby proxy\n")
  lu.assertEquals(in_environment({ all_proxy = address }, {
    "http://x.example/",
  }), "by proxy\n")
  lu.assertEquals(in_environment({ all_proxy = address, no_proxy = "'*'" }, {
    "http://127.0.0.1:1/",
  }), "ECONNREFUSED connect\n")
  lu.assertEquals(in_environment({ HTTP_PROXY = address }, {
    "http://127.0.0.1:1/",
  }), "ECONNREFUSED connect\n")
  lu.assertEquals(in_environment({ HTTPS_PROXY = "http://127.0.0.1:1" }, {
    "https://x.example/",
  }), "ECONNREFUSED connect\n")
  lu.assertNotNil(server)
end

-- no_proxy, name by name.
function spec.test_names_are_exempt_with_the_domains_below_them()
  local proxies = require "miniloop.http.client.proxy"
  local places = require "miniloop.http.client.place"
  local environment = {
    http = "proxy.example",
    none = "a.example, .b.example,*.c.example d.example:81,::1,1.2.3.4",
  }
  for url, exempt in pairs {
    ["http://a.example/"] = true, ["http://x.a.example/"] = true,
    ["http://xa.example/"] = false, ["http://b.example/"] = true,
    ["http://x.b.example/"] = true, ["http://x.c.example/"] = true,
    ["http://d.example/"] = false, ["http://d.example:81/"] = true,
    ["http://[::1]/"] = true, ["http://1.2.3.4/"] = true,
    ["http://A.EXAMPLE/"] = true, ["http://example/"] = false,
  } do
    local chosen = proxies.choose(nil, environment, places.new(url))
    lu.assertEquals(chosen == false, exempt, url)
  end
  lu.assertNotNil(http)
end

return spec
