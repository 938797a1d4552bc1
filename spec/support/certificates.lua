-- Certificates for specs, made by openssl(1) once in a run, in a directory that
-- goes with the state. Two authorities, "ca" and "other"; of "ca":
--
--   server    localhost, 127.0.0.1, ::1        expired   the same, yesterday
--   elsewhere example.org                      revoked   localhost, in crl.pem
--   a, b      a.example; *.b.example           client    for clients
--   leaf      localhost, by "middle", an authority below "ca"
--
-- and of "other": unknown (localhost), stranger (for clients). "self" is signed
-- by itself, and so are "nameless" and "long", of the same key.

local lu = require "luaunit"
local tls = require "miniloop.tls"
local scratch = require "spec.support.scratch"
local shell = require "spec.support.shell"

local certificates = {}

local config = [[
[ca]
default_ca = own
[own]
dir = %s
database = $dir/%s.index
serial = $dir/%s.serial
new_certs_dir = $dir
certificate = $dir/%s.pem
private_key = $dir/%s.key
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
unique_subject = no
email_in_dn = no
rand_serial = yes
[any]
commonName = supplied
[req]
distinguished_name = none
prompt = no
[none]
]]

-- Shell functions: authority NAME, below NAME AUTHORITY, cert NAME AUTHORITY
-- SUBJECT SAN [DATES].
local script = [[
set -e
cd %s
key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }
authority() {
  key $1
  : >$1.index
  openssl req -x509 -new -key $1.key -subj "/CN=the $1" -days 30 -out $1.pem \
    -config $1.cnf -addext basicConstraints=critical,CA:TRUE \
    -addext keyUsage=keyCertSign,cRLSign
}
cert() {
  name=$1 by=$2 subject=$3 san=$4
  shift 4
  key $name
  openssl req -new -key $name.key -subj "/CN=$subject" -out $name.csr \
    -config $by.cnf
  echo "$san" >$name.ext
  openssl ca -batch -notext -config $by.cnf -in $name.csr -out $name.pem \
    -extfile $name.ext "$@" 2>>log
}
here='subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1'
authority ca
authority other
cert server ca localhost "$here"
cert expired ca localhost "$here" -startdate 20200101000000Z \
  -enddate 20200102000000Z
cert elsewhere ca example.org subjectAltName=DNS:example.org
cert a ca a.example subjectAltName=DNS:a.example
cert b ca b.example 'subjectAltName=DNS:*.b.example'
cert client ca alice extendedKeyUsage=clientAuth
cert revoked ca localhost "$here"
cert unknown other localhost "$here"
cert stranger other mallory extendedKeyUsage=clientAuth
cert middle ca 'the middle' 'basicConstraints=critical,CA:TRUE'
cert leaf middle localhost "$here"
cat leaf.pem middle.pem >chain.pem
openssl ca -config ca.cnf -gencrl -out empty.crl 2>>log
openssl ca -config ca.cnf -revoke revoked.pem 2>>log
openssl ca -config ca.cnf -gencrl -out crl.pem 2>>log
key self
openssl req -x509 -new -key self.key -subj /CN=localhost -days 30 \
  -config ca.cnf -out self.pem -addext "$here"
openssl req -x509 -new -key self.key -subj / -days 30 -config ca.cnf \
  -out nameless.pem
openssl req -x509 -new -key self.key -days 30 -config ca.cnf -out long.pem \
  -subj "$(printf '/OU=%%060d' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18)"
openssl ec -in server.key -aes128 -passout pass:secret -out locked.key 2>>log
]]

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

-- Skips the test where there is no openssl(1), or no library of OpenSSL.
function certificates.need()
  local there, err = tls.available()
  lu.skipIf(not there, tostring(err))
  shell.need("openssl")
end

local function make()
  local dir = scratch.folder()
  for _, name in ipairs { "ca", "other", "middle" } do
    write(("%s/%s.cnf"):format(dir, name),
      config:format(dir, name, name, name, name))
    write(("%s/%s.index"):format(dir, name), "")
  end
  shell.run(script:format(dir))
  return { dir = dir }
end

local made

-- The path of a file, such as "server.pem"; skips as above.
function certificates.path(name)
  if not made then
    certificates.need()
    made = make()
  end
  return made.dir .. "/" .. name
end

-- { cert =, key = } of that name, and more options.
function certificates.of(name, options)
  local own = {
    cert = certificates.path(name .. ".pem"),
    key = certificates.path(name .. ".key"),
  }
  for option, value in pairs(options or {}) do
    own[option] = value
  end
  return own
end

function certificates.text(name)
  local file <close> = assert(io.open(certificates.path(name)))
  return file:read("a")
end

return certificates
