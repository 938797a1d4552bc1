-- What a scanner finds of our server: see also ./dev check tls_scan.

local lu = require "luaunit"
local net = require "miniloop.net"
local certificates = require "spec.support.certificates"
local shell = require "spec.support.shell"

local spec = {}

local function scan()
  shell.need("sslscan")
  local server <close> = assert(net.serve("127.0.0.1:0", function(conn)
    conn:read("l")
  end, { tls = certificates.of("server") }))
  local pipe <close> = assert(io.popen("sslscan --no-colour --show-certificate "
    .. server:address() .. " 2>&1"))
  local output <close> = assert(net.stream(pipe))
  return output:read("a")
end

function spec.test_a_scanner_finds_nothing_but_what_is_safe()
  local report = scan()
  for _, line in ipairs {
    "SSLv2     disabled", "SSLv3     disabled", "TLSv1.0   disabled",
    "TLSv1.1   disabled", "TLSv1.2   enabled", "TLSv1.3   enabled",
    "Server supports TLS Fallback SCSV",
    "Session renegotiation not supported",
    "TLSv1.2 not vulnerable to heartbleed",
  } do
    lu.assertStrContains(report, line)
  end
  local ciphers = 0
  for cipher in report:gmatch("TLSv1%.[23]%s+%d+ bits%s+(%S+[%-_]%S+)") do
    ciphers = ciphers + 1
    lu.assertNotNil(cipher:find("GCM") or cipher:find("CHACHA20"), cipher)
  end
  lu.assertTrue(ciphers >= 5, report)
  lu.assertNil(report:find("ffdhe"), "groups that cost a server too much")
end

return spec
