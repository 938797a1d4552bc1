---@meta miniloop.net

-- The network's functions and objects that are made in C, for editors. What
-- fails in the world answers `nil, err`; wrong use raises. Streams are in
-- stream.lua, servers in lua/miniloop/net.lua.

---@class miniloop.net
local net = {}

---"host:port", "[v6]:port", ":port", "unix:/path", "unix:@name" (Linux), or a
---table of host and port, of a path, or of an open descriptor.
---@alias miniloop.net.address string|miniloop.net.address_table

---@class miniloop.net.address_table
---@field host string? no host: every interface to listen on, or loopback
---@field port integer|string? a number, or the name of a service
---@field path string? of a Unix socket
---@field fd integer? a descriptor that was inherited, and is taken over

---@class miniloop.net.bind_options
---@field reuseport boolean? several sockets may share the port
---@field v6only boolean? IPv6 alone; both families where it is not given
---@field timeout number? seconds that a name may take to be looked up

---@class miniloop.net.listen_options : miniloop.net.bind_options
---@field backlog integer? connections that may wait; as many as can be
---@field nodelay boolean? of the connections; true unless given
---@field maxline integer? bytes that a line of theirs may have; 1 MiB
---@field mode string|integer? permissions of a Unix socket, such as "660"
---@field unlink boolean? removes the file that a dead server has left
---@field tls (miniloop.tls.listen_options|miniloop.tls.context|false)?

---@class miniloop.net.serve_options : miniloop.net.listen_options
---@field limit integer? stops accepting at so many connections
---@field on_error fun(err: any, conn: miniloop.net.stream, traceback: string?)?

---@class miniloop.net.connect_options
---@field timeout number? seconds; 10 unless given
---@field stagger number? seconds between two attempts; 0.25 unless given
---@field family ("ipv4"|"ipv6")? that a name is looked up for
---@field bind string? the local address, in numbers
---@field nodelay boolean? true unless given
---@field maxline integer? bytes that a line may have; 1 MiB unless given
---@field tls (miniloop.tls.connect_options|miniloop.tls.context|boolean)?

---@class miniloop.net.resolve_options
---@field timeout number?
---@field family ("ipv4"|"ipv6")?

---Listens. Of a name the first address is taken that can be had. The file of a
---Unix socket goes with the listener.
---@param address miniloop.net.address
---@param options miniloop.net.listen_options?
---@return miniloop.net.listener? listener
---@return miniloop.error? err
function net.listen(address, options) end

---Connects, by TLS if the address begins with "tls://" or the options say so,
---to the first of the addresses that answers: of a name, or of a list
---such as net.resolve gives.
---@param address miniloop.net.address|string[]
---@param options miniloop.net.connect_options?
---@return miniloop.net.stream? conn
---@return miniloop.error? err
function net.connect(address, options) end

---A socket for datagrams, at any port unless an address is given.
---@param address miniloop.net.address?
---@param options miniloop.net.bind_options?
---@return miniloop.net.udp? udp
---@return miniloop.error? err
function net.udp(address, options) end

---The addresses of a host ("localhost"), in the order in which to try them;
---those of a host and a port ("localhost:80") have the port.
---@param name string
---@param options miniloop.net.resolve_options?
---@return string[]? addresses
---@return miniloop.error? err
function net.resolve(name, options) end

---A buffer of bytes, which streams read into (recvinto) and write from.
---@param size integer? bytes that it has room for at first
---@return miniloop.net.buffer
function net.buffer(size) end

---@class miniloop.net.buffer
---@operator len: integer
local buffer = {}

---Appends.
---@param ... string|number|miniloop.net.buffer
---@return miniloop.net.buffer self
function buffer:put(...) end

---Its bytes from i to j, counted as those of strings.
---@param i integer
---@param j integer?
---@return string
function buffer:sub(i, j) end

---All of its bytes.
---@return string
function buffer:tostring() end

---Where the plain text begins and ends, at or behind `init`.
---@param text string
---@param init integer?
---@return integer? first
---@return integer? last
function buffer:find(text, init) end

---Takes bytes from the front; how many there were.
---@param n integer
---@return integer count
function buffer:consume(n) end

---Empties it, and keeps its memory.
---@return miniloop.net.buffer self
function buffer:clear() end

---Frees its memory. It is empty then, and can be used again.
function buffer:close() end

---@class miniloop.net.listener
local listener = {}

---The next connection. Tasks that wait for one are served in turn.
---@param timeout number?
---@return miniloop.net.stream? conn
---@return miniloop.error? err
function listener:accept(timeout) end

---The address that it listens on.
---@return string? address
---@return miniloop.error? err
function listener:address() end

---Closes it; whoever waits to accept gets EBADF.
---@return true
function listener:close() end

---The descriptor's number.
---@return integer? fd
---@return miniloop.error? err
function listener:getfd() end

---@param name string
---@param value boolean|integer
---@return true? ok
---@return miniloop.error? err
function listener:setoption(name, value) end

---@param name string
---@return boolean|integer|nil value
---@return miniloop.error? err
function listener:getoption(name) end

---@class miniloop.net.udp
local udp = {}

---Sends one datagram. A name is looked up each time: resolve it before if there
---are many.
---@param data string|number
---@param address miniloop.net.address
---@param timeout number?
---@return true? ok
---@return miniloop.error? err
function udp:sendto(data, address, timeout) end

---Receives one datagram: its bytes, who sent it, and true if it was longer than
---`max`, so that the rest is lost.
---@param max integer?
---@param timeout number?
---@return string? data
---@return string|miniloop.error from
---@return true? truncated
function udp:recvfrom(max, timeout) end

---Fixes the peer: send goes to it, and nothing comes from anybody else.
---@param address miniloop.net.address
---@param timeout number?
---@return true? ok
---@return miniloop.error? err
function udp:connect(address, timeout) end

---Sends one datagram to the peer.
---@param data string|number
---@param timeout number?
---@return true? ok
---@return miniloop.error? err ECONNREFUSED: an earlier one found nobody
function udp:send(data, timeout) end

---Receives one datagram, as recvfrom, without its sender.
---@param max integer?
---@param timeout number?
---@return string? data
---@return miniloop.error|true|nil err_or_truncated
function udp:recv(max, timeout) end

---Its own address.
---@return string? address
---@return miniloop.error? err
function udp:address() end

---The peer that connect has fixed.
---@return string? address
---@return miniloop.error? err
function udp:peer() end

---Closes it; whoever waits for it gets EBADF.
---@return true
function udp:close() end

---The descriptor's number.
---@return integer? fd
---@return miniloop.error? err
function udp:getfd() end

---@param name string
---@param value boolean|integer
---@return true? ok
---@return miniloop.error? err
function udp:setoption(name, value) end

---@param name string
---@return boolean|integer|nil value
---@return miniloop.error? err
function udp:getoption(name) end

return net
