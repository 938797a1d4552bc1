-- The runtimes that we compare with: whether they are here, in what version,
-- and how a program for them is run.

local shell = require "bench.lib.shell"
local measure = require "bench.lib.measure"

local peers = {}

---@class bench.peer
---@field version string     a command that prints the version, and fails if
---                          the peer is not here
---@field run string?        what stands before a program's path
---@field build string?      the command that makes {out} of {source}
---@field package string     Debian's name

-- The interpreter of Debian, whose modules the peers are. The first python3 of
-- the path may be another than the system's, without uvloop.
local lua = "lua5.4"
local copas_lua = "env LUA_PATH=/usr/share/lua/5.2/?.lua;; " .. lua
local python = "/usr/bin/python3"

---@type table<string, bench.peer>
peers.known = {
  luv = {
    version = lua .. [[ -e 'print(require "luv".version_string())']],
    run = lua, package = "lua-luv",
  },
  cqueues = {
    version = lua .. [[ -e 'print(require "cqueues".VERSION)']],
    run = lua, package = "lua-cqueues",
  },
  -- Debian has it for older versions only, and it is plain Lua.
  copas = {
    version = copas_lua:gsub(";", "\\;")
      .. [[ -e 'print(require "copas"._VERSION)']],
    run = copas_lua, package = "lua-copas",
  },
  openresty = {
    version = "nginx -v 2>&1 && test -e"
      .. " /usr/lib/nginx/modules/ngx_http_lua_module.so",
    run = "sh", package = "libnginx-mod-http-lua",
  },
  nginx = {
    version = "{ nginx -v 2>&1; }", run = "sh", package = "nginx",
  },
  node = { version = "node --version", run = "node", package = "nodejs" },
  asyncio = {
    version = python .. " --version", run = python, package = "python3",
  },
  uvloop = {
    version = python .. [[ -c 'import uvloop; print(uvloop.__version__)']],
    run = python, package = "python3-uvloop",
  },
  aiohttp = {
    version = python .. [[ -c 'import aiohttp; print(aiohttp.__version__)']],
    run = python, package = "python3-aiohttp",
  },
  curl = {
    version = "pkg-config --modversion libcurl",
    package = "libcurl4-openssl-dev",
    build = "cc -O2 -o {out} {source} $(pkg-config --cflags --libs libcurl)",
  },
  tarantool = {
    version = "tarantool --version", run = "tarantool",
    package = "tarantool",
  },
  go = {
    version = "go version", package = "golang",
    build = "go build -o {out} {source}",
  },
  libuv = {
    version = "pkg-config --modversion libuv", package = "libuv1-dev",
    build = "cc -O2 -o {out} {source} $(pkg-config --cflags --libs libuv)",
  },
}

local versions = {}

---The version of a peer, or nil when it is not here.
---@param name string
---@return string?
function peers.version(name)
  if versions[name] == nil then
    versions[name] = shell.line(peers.known[name].version) or false
  end
  return versions[name] or nil
end

-- A program is compiled again when its source is the younger one.
local function compile(name, peer, source)
  local out = ("%s/%s_%s"):format(measure.bin, name,
    source:match("([^/]+)%.%w+$"))
  local command = peer.build:gsub("{(%w+)}", { out = out, source = source })
  local log = "build/log/bench-build.log"
  if not shell.run(("[ %s -nt %s ] || { %s; } >%s 2>&1 </dev/null")
    :format(out, source, command, log)) then
    return nil, "does not compile: "
      .. (shell.read(log) or ""):gsub("%s+", " "):sub(1, 150)
  end
  return out
end

---What runs the program of a peer, to stand before its arguments; nil and why
---not.
---@param name string
---@param program string
---@return string?
---@return string? why
function peers.command(name, program)
  local peer = assert(peers.known[name], name)
  if not peers.version(name) then
    return nil, ("not installed (Debian: %s)"):format(peer.package)
  elseif peer.build then
    return compile(name, peer, program)
  end
  return peer.run .. " " .. program
end

return peers
