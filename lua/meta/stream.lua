---@meta miniloop.net

-- Streams, which are made in C, for editors: connections, pipes, terminals,
-- files. What fails in the world answers `nil, err`; wrong use raises. The end
-- of a stream is a lone nil.

---@class miniloop.net
local net = {}

---Two connected streams.
---@return miniloop.net.stream? near
---@return miniloop.net.stream|miniloop.error far
function net.pair() end

---A stream of an open descriptor. A number is taken over: the stream closes it.
---An object (a Lua file, a socket of another library, a stream) keeps its own,
---and the stream has a copy; what the object has read ahead is not in it.
---
---A pipe does not block while the stream is open, for whoever else has it. A
---terminal is left as it is.
---@param io integer|file*|table|userdata
---@return miniloop.net.stream? stream
---@return miniloop.error? err EINVAL: it carries no stream of bytes
function net.stream(io) end

---"l" a line without its end, "L" with it, "a" all up to the end, or a count of
---bytes; of 0, the empty string unless the stream is at its end.
---@alias miniloop.net.format "l"|"L"|"a"|integer

---Closes when it goes out of scope or is collected. One task may read while
---another writes; two that read, or write, are served in turn.
---@class miniloop.net.stream
local stream = {}

---Some bytes as they come, at most `max` (and at most 64 KiB).
---@param max integer?
---@param timeout number? of the whole call, in place of settimeout's
---@return string? bytes
---@return miniloop.error? err
function stream:recv(max, timeout) end

---Appends some bytes to the buffer as they come: how many, nil at the end.
---@param buffer miniloop.net.buffer
---@param max integer? as many as there is room for, unless given
---@param timeout number? of the whole call, in place of settimeout's
---@return integer? count
---@return miniloop.error? err
function stream:recvinto(buffer, max, timeout) end

---Writes to the other stream what it reads, until the end or `n` bytes. What
---was read and could not be written can still be read.
---@param other miniloop.net.stream
---@param n integer?
---@param timeout number? of the whole copy
---@return integer? count
---@return miniloop.error? err with `written`, the bytes that were
function stream:copy(other, n, timeout) end

---Reads a line, or what the formats say. Ends with nil for the first format
---that finds only the end of the stream. If it fails, nothing was taken.
---@param ... miniloop.net.format
---@return string? item
---@return string|miniloop.error|nil ...
function stream:read(...) end

---For loops: what read gives, until the end. Raises what went wrong.
---@param ... miniloop.net.format
---@return fun(): string?, ...
function stream:lines(...) end

---Writes all of it.
---@param ... string|number|miniloop.net.buffer
---@return true? ok
---@return miniloop.error? err with `written`, the bytes that were; EBUSY: one
---of the buffers was changed meanwhile
function stream:write(...) end

---Writes what fits now, and never waits. 0 while another task writes.
---@param data string|number|miniloop.net.buffer "": what is unsent, if it fits
---@return integer? count
---@return miniloop.error? err
function stream:writesome(data) end

---How many bytes that `writesome` has taken are still with the stream, as they
---may be with TLS. They go out with the next write, or while a task reads.
---@return integer bytes
function stream:unsent() end

---Bounds each wait for bytes of a call; the call fails with ETIMEDOUT when none
---have come, or gone, for so long. To wait for one's turn is no such wait.
---@param seconds number? nil: for ever, as it is at first
---@param direction ("read"|"write"|"both")?
---@return true
function stream:settimeout(seconds, direction) end

---How long a line may be; a longer one fails with EMSGSIZE, and stays. 1 MiB at
---first.
---@param bytes integer
---@return true
function stream:setmaxline(bytes) end

---Goes over to TLS, which the peer has agreed to; the handshake is made. What
---was read ahead goes to TLS, too.
---@param options miniloop.tls.start_options|miniloop.tls.context|true
---@return true? ok
---@return miniloop.error? err EISCONN: it is TLS; EBUSY: a task reads or writes
function stream:starttls(options) end

---Makes the handshake of TLS, if it is still to be made; nothing is to be done
---without TLS.
---@param timeout number?
---@return true? ok
---@return miniloop.error? err
function stream:handshake(timeout) end

---What became of the handshake; nil without TLS.
---@return miniloop.tls.info? info
---@return miniloop.error? err EAGAIN: it is not made yet
function stream:tls() end

---Sends a part of a file, without a copy where the system can: how many bytes
---there were to send. The file keeps its position.
---@param file integer|file*|table|userdata
---@param offset integer? from the start of the file; 0
---@param count integer? all that there is unless given
---@return integer? sent
---@return miniloop.error? err with `written`, the bytes that were
function stream:sendfile(file, offset, count) end

---Ends one direction, or both. What the peer has sent can still be read.
---@param how ("read"|"write"|"both")? both unless given
---@return true? ok
---@return miniloop.error? err
function stream:shutdown(how) end

---Closes it; whoever waits for it gets EBADF.
---@return true
function stream:close() end

---The peer's address.
---@return string? address
---@return miniloop.error? err
function stream:peer() end

---Its own address.
---@return string? address
---@return miniloop.error? err
function stream:address() end

---@alias miniloop.net.option
---| "broadcast" # boolean
---| "keepalive" # boolean
---| "keepcnt"
---| "keepidle"
---| "keepintvl"
---| "linger" # seconds, -1 for off
---| "maxline" # bytes that a line may have; of streams
---| "multicast_loop" # boolean
---| "multicast_ttl"
---| "nodelay" # boolean
---| "rcvbuf"
---| "reuseaddr" # boolean
---| "reuseport" # boolean
---| "sndbuf"
---| "ttl"
---| "v6only" # boolean

---@param name miniloop.net.option
---@param value boolean|integer
---@return true? ok
---@return miniloop.error? err
function stream:setoption(name, value) end

---@param name miniloop.net.option
---@return boolean|integer|nil value
---@return miniloop.error? err
function stream:getoption(name) end

---The descriptor's number.
---@return integer? fd
---@return miniloop.error? err
function stream:getfd() end

return net
