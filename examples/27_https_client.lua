-- An HTTPS client that trusts an authority of its own, as inside a company:
-- fetches a page and prints it, or why the server is not to be believed.
--
--   ./dev run examples/27_https_client.lua CA.pem URL
--
-- With the file "system", the authorities that the system knows are trusted.

local http = require "miniloop.http"

local ca, page = arg[1], arg[2]
if not page then
  error("usage: 27_https_client.lua CA.pem URL", 0)
end

-- One client for all requests: the certificates are read once, connections
-- are kept, and the next handshake is a short one.
local client <close> = http.client { tls = { ca = ca }, timeout = 10 }

local res, err = client:get(page)
if res then
  print(res.status, res.headers["content-type"])
  print(res.body)
elseif err.code == "ETLS_CERT" then
  print("not to be believed: " .. err.reason)
else
  print(err)
end
