-- A certificate authority for specs: made by openssl(1) when first asked for,
-- in a folder of its own that is removed when the run ends.

local scratch = require "spec.support.scratch"

local authority = {}

local made

local script = [[
set -e
cd %s
openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl req -x509 -new -key ca.key -days 2 -subj "/CN=miniloop spec CA" \
  -out ca.pem
openssl ecparam -name prime256v1 -genkey -noout -out key.pem
openssl req -new -key key.pem -subj "/CN=localhost" -out server.csr
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' > names
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial \
  -days 2 -extfile names -out cert.pem
]]

local function make()
  local folder = scratch.folder()
  assert(os.execute("(" .. script:format(folder) .. ") >/dev/null 2>&1"))
  return { folder = folder }
end

-- The file names of { ca =, cert =, key = }: a server's certificate for
-- "localhost" and 127.0.0.1, and whom one must trust for it.
function authority.files()
  made = made or make()
  return {
    ca = made.folder .. "/ca.pem",
    cert = made.folder .. "/cert.pem",
    key = made.folder .. "/key.pem",
  }
end

return authority
