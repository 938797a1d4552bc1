---@meta miniloop.tls

-- TLS, which is made in C, for editors. What fails in the world answers
-- `nil, err`; wrong use raises.

---What connections have in common; for net.connect, net.listen, net.serve and
---starttls as well, where a table makes a context of its own each time.
---A PEM is the name of a file, or its text. Of `ca` a directory will do, too;
---where it is given, the system's roots are trusted only if it lists "system".
---@alias miniloop.tls.sources string|string[]

---@class miniloop.tls.options
---@field cert string? PEM: the own certificate, and those that lead to a root
---@field key string? PEM: its private key; in `cert` unless given
---@field password string? of the key
---@field ca miniloop.tls.sources? who is trusted
---@field crl miniloop.tls.sources? what was revoked, by each authority
---@field verify (boolean|"optional")? clients: true unless given
---@field alpn string[]? protocols, the best first
---@field min ("1.2"|"1.3")? the lowest version; 1.2 unless given
---@field ciphers string? of TLS 1.2, in OpenSSL's words
---@field sni table<string, miniloop.tls.identity>? of servers, by name
---@field tickets boolean? servers let sessions be resumed; true unless given

---@class miniloop.tls.identity
---@field cert string
---@field key string?
---@field password string?

---@class miniloop.tls.connect_options : miniloop.tls.options
---@field context miniloop.tls.context? in place of all but verify and alpn
---@field name string? whom the certificate must name: the address's host

---@class miniloop.tls.listen_options : miniloop.tls.options
---@field context miniloop.tls.context? in place of all but verify
---@field timeout number? seconds for a handshake in net.serve; 10 unless given

---@class miniloop.tls.start_options : miniloop.tls.connect_options
---@field server boolean? the peer is the client
---@field timeout number? seconds for the handshake; 10 unless given

---What became of a handshake.
---@class miniloop.tls.info
---@field version "TLSv1.2"|"TLSv1.3"
---@field cipher string
---@field alpn string?
---@field name string? that the client has asked for
---@field resumed boolean a session of before goes on
---@field verified boolean the peer's certificate was checked, if there is one
---@field server boolean we are the server
---@field certificate miniloop.tls.certificate? the peer's

---@class miniloop.tls.certificate
---@field subject string
---@field issuer string
---@field serial string in hexadecimal digits
---@field names string[] the hosts that it is for
---@field fingerprint string SHA-256, in hexadecimal digits
---@field from integer as os.time
---@field till integer

---Made once, used by any number of clients and servers. Remembers the sessions
---of clients.
---@class miniloop.tls.context

---@class miniloop.tls
local tls = {}

---Makes a context.
---@param options miniloop.tls.options?
---@return miniloop.tls.context? context
---@return miniloop.error? err ENOENT, ...: a file; ETLS_CONTEXT; ENOTSUP
function tls.context(options) end

---Whether OpenSSL 3 is there.
---@return true? ok
---@return miniloop.error? err ENOTSUP
function tls.available() end

return tls
