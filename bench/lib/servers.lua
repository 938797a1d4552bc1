-- What the rows about servers share: who serves, and how they are called on.

local measure = require "bench.lib.measure"

local servers = {}

---The command of our load generator, with holes for the sizes of a row.
---@param protocol string  "echo", "http" or "https"
---@param options string   further ones, such as "size=64 idle={idle}"
---@return string
function servers.load(protocol, options)
  return ("{bin}/load %s 127.0.0.1:{port} marks=yes %s")
    :format(protocol, options)
end

---The servers for echo: our two, the limit, and, unless `few`, all peers. Those
---of the peers that stand for their kind are in any case there.
---@param few boolean?
---@return bench.contestant[]
function servers.echo(few)
  local list = {
    { "miniloop", "bench/ours/echo.lua" },
    { "limit", "{bin}/limit_echo" },
    { "luv, callbacks", "bench/peers/luv/echo.lua", peer = "luv" },
    { "cqueues", "bench/peers/cqueues/echo.lua" },
    { "go", "bench/peers/go/echo.go" },
    { "node", "bench/peers/node/echo.js" },
  }
  local others = {
    { "luv, coroutines", "bench/peers/luv/echo_coroutines.lua", peer = "luv" },
    { "copas", "bench/peers/copas/echo.lua" },
    { "tarantool", "bench/peers/tarantool/echo.lua" },
    { "libuv, queued", "bench/peers/libuv/echo.c", peer = "libuv" },
    { "libuv, direct", "bench/peers/libuv/echo_direct.c", peer = "libuv" },
    { "asyncio", "bench/peers/asyncio/echo.py" },
    { "uvloop", "bench/peers/asyncio/echo.py", arguments = "{port} uvloop" },
  }
  return few and list or table.move(others, 1, #others, #list + 1, list)
end

---The servers for HTTP. "raw" ones look for the ends of heads and for nothing
---else; the others are HTTP servers.
---@return bench.contestant[]
function servers.http()
  return {
    { "miniloop, raw", "bench/ours/http_raw.lua" },
    { "miniloop, http", "bench/ours/http.lua" },
    { "limit, raw", "{bin}/limit_http" },
    { "nginx", "bench/peers/nginx/http.sh" },
    { "openresty", "bench/peers/openresty/http.sh" },
    { "luv, raw", "bench/peers/luv/http.lua", peer = "luv" },
    { "cqueues, raw", "bench/peers/cqueues/http.lua", peer = "cqueues" },
    { "asyncio, raw", "bench/peers/asyncio/http.py", peer = "asyncio" },
    { "uvloop, raw", "bench/peers/asyncio/http.py", peer = "uvloop",
      arguments = "{port} uvloop" },
    { "go", "bench/peers/go/http.go" },
    { "node", "bench/peers/node/http.js" },
  }
end

---CPU time of the server for each request, in microseconds.
---@param sample bench.sample
---@return number
function servers.cpu(sample)
  return measure.cpu(sample) / sample.requests / 1000
end

---How long answers took, for a row's `figures`.
---@param sample bench.sample
---@return table[]
function servers.latencies(sample)
  return {
    { "p50", sample.p50_ns / 1000, "µs" },
    { "p99", sample.p99_ns / 1000, "µs" },
  }
end

---Whether all was answered, and right.
---@param sample bench.sample
---@param size table
---@return boolean
---@return string
function servers.check(sample, size)
  local wanted = size.n or 1
  return sample.errors == 0 and (sample.requests or 0) >= wanted,
    ("%s answers, %s errors"):format(sample.requests, sample.errors)
end

return servers
