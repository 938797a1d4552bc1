-- What is installed, used as a stranger would: the hosts of examples/embed are
-- built by pkg-config and by CMake and run, and a stock Lua loads the module.

local lu = require "luaunit"
local shell = require "spec.support.shell"

local quote = shell.quote

local spec = {}

-- The tree that is installed for each test, and removed after it.
local root, prefix

local function sanitizers()
  local names = shell.build("ML_SANITIZE")
  return names ~= "" and "-fsanitize=" .. names or ""
end

function spec.before_each()
  -- None of it depends on the poller that the suite is run under.
  local poller = os.getenv("ML_SPEC_POLLER") or "auto"
  lu.skipIf(poller ~= "auto", "it is the same under every poller")
  local build = shell.build("ML_BUILD")
  shell.need("cmake")
  root = shell.run("mktemp -d"):match("[^\n]+")
  prefix = root .. "/prefix"
  shell.run(("cmake --install %s --prefix %s"):format(quote(build),
    quote(prefix)))
end

function spec.after_each()
  if root then
    shell.run("rm -rf " .. quote(root))
    root = nil
  end
end

-- --------------------------------------------------------------- the hosts

-- The arguments of each, and what it reads.
local hosts = {
  run_script = { arguments = "hello.lua" },
  poll_loop = { input = "one\ntwo\n" },
  syscall = {},
  two_loops = {},
}

local function write_file(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

-- What the comment at the top of the host's source says that it prints.
local function promise(source)
  local file <close> = assert(io.open(source))
  local comment = file:read("a"):match("^/%*.-%*/")
  local lines = comment:match("\n %* prints\n %*\n(.*)%*/")
  return (lines:gsub(" %*   ([^\n]*)\n?", "%1\n"):gsub(" *\n$", "\n"))
end

local function check_host(name, directory, sources)
  local host = hosts[name]
  local input = root .. "/input"
  write_file(input, host.input or "")
  local launcher = shell.build("ML_LAUNCHER")
  if launcher == "valgrind" then
    launcher = "valgrind -q --error-exitcode=99 --leak-check=full"
  end
  local output = shell.run(("cd %s && %s %s/%s %s <%s"):format(quote(sources),
    launcher, quote(directory), name, host.arguments or "", quote(input)))
  lu.assertEquals(output, promise(sources .. "/" .. name .. ".c"))
end

-- A module in C finds Lua in the host.
local function check_modules(directory)
  local script = root .. "/modules.lua"
  write_file(script, "print(type(require('lfs').currentdir()))\n")
  lu.assertStrContains(shell.run(("%s/run_script %s"):format(quote(directory),
    quote(script))), "string\n")
end

-- A copy of the examples, for the builder to fill.
local function copy_sources()
  local sources = root .. "/embed"
  shell.run(("cp -R %s %s"):format(
    quote(shell.build("ML_SOURCE") .. "/examples/embed"), quote(sources)))
  return sources
end

local function pkg_config()
  local path = shell.run(("find %s -name miniloop.pc"):format(quote(prefix)))
  return "PKG_CONFIG_PATH=" .. quote(path:match("^(.*)/miniloop%.pc")) .. " "
end

local function check_make(options)
  shell.need("make", "pkg-config")
  local sources = copy_sources()
  shell.run(("%smake -C %s LDFLAGS=%s %s"):format(pkg_config(), quote(sources),
    quote(sanitizers()), options))
  for name in pairs(hosts) do
    check_host(name, sources, sources)
  end
  check_modules(sources)
end

-- C9.4
function spec.test_hosts_build_by_pkg_config_with_the_shared_library()
  check_make("")
end

-- C9.4
function spec.test_hosts_build_by_pkg_config_with_the_static_library()
  check_make("STATIC=1")
end

-- C9.4
function spec.test_hosts_build_by_cmake()
  local sources, build = copy_sources(), root .. "/build"
  shell.run(("cmake -S %s -B %s -DCMAKE_PREFIX_PATH=%s "
    .. "-DCMAKE_EXE_LINKER_FLAGS=%s"):format(quote(sources), quote(build),
    quote(prefix), quote(sanitizers())))
  shell.run(("cmake --build %s"):format(quote(build)))
  for name in pairs(hosts) do
    check_host(name, build, sources)
  end
  check_modules(build)
end

-- C9.4
function spec.test_the_installed_version_is_that_of_the_library()
  shell.need("pkg-config")
  local version = shell.run(pkg_config() .. "pkg-config --modversion miniloop")
  local header = shell.run(("%s/bin/miniloop -v"):format(quote(prefix)))
  lu.assertStrContains(header, version:match("%S+"))
end

-- C9.4: what a host is built with was installed, or is the system's.
function spec.test_the_installed_tree_needs_nothing_of_the_build()
  shell.need("pkg-config")
  local flags = shell.run(pkg_config()
    .. "pkg-config --cflags --libs miniloop")
  for path in flags:gmatch("%s%-?[IL]?(/%S+)") do
    lu.assertTrue(path:find(prefix, 1, true) == 1 or path:find("^/usr/") ~= nil,
      path)
  end
  local config = shell.run(("cat %s/lib*/cmake/miniloop/*"):format(
    quote(prefix)))
  lu.assertNotStrContains(config, shell.build("ML_BUILD"))
  lu.assertNotStrContains(config, "/build/lua/")
end

-- -------------------------------------------------------------- the header

-- Builds the smallest host there is, with every warning. It calls Lua itself,
-- too, through what the header includes.
local function check_header(compiler, options)
  shell.need("pkg-config", compiler)
  local source = root .. "/host." .. (compiler == "c++" and "cc" or "c")
  write_file(source, "#include <miniloop.h>\n"
    .. "int main(void) {\n"
    .. "  ml_loop *loop = 0;\n"
    .. "  return loop ? lua_gettop(ml_state(loop)) : ml_close(loop);\n"
    .. "}\n")
  local flags = shell.run(pkg_config()
    .. "pkg-config --cflags --libs miniloop"):match("[^\n]*")
  shell.run(("%s %s %s -pedantic -Wall -Wextra -Werror -o %s %s %s"):format(
    compiler, options, sanitizers(), quote(root .. "/host"), quote(source),
    flags))
end

-- C9.4
function spec.test_the_header_is_c_of_1999_and_of_2011()
  check_header("cc", "-std=c99")
  check_header("cc", "-std=c11")
end

-- C9.4
function spec.test_the_header_is_cxx()
  check_header("c++", "-std=c++11")
end

-- -------------------------------------------------------------- the module

local module_script = [[
local stock = { coroutine = coroutine, require = require }
local ml = require "miniloop"
local syscall = require "miniloop.syscall"

-- Results, and errors as they were raised, as often as one likes.
for i = 1, 3 do
  assert(select("#", ml.run(function() end)) == 0)
  local id, late, x = ml.run(function()
    ml.sleep(0.001)
    local id = coroutine.yield(syscall.id())
    return id, ml.now(), i
  end)
  assert(id == 1 and late > 0 and x == i)
  local mine = {}
  local ok, err = pcall(ml.run, function() ml.sleep(0); error(mine) end)
  assert(not ok and err == mine)
end

-- Tasks, and coroutines that block inside of them.
assert(ml.run(function()
  local task = ml.spawn(function()
    return coroutine.wrap(function() ml.sleep(0); return "inner" end)()
  end)
  return select(2, task:wait())
end) == "inner")

-- A clock of its own.
local start = ml.now()
assert(ml.run(function()
  local start = ml.now()
  ml.sleep(1e6)
  return ml.now() - start
end, { clock = "virtual" }) == 1e6)
assert(ml.now() - start < 1000)

-- Misuse: inside of a task, with options that are none.
local ok, err = pcall(ml.run, function() ml.run(print) end)
assert(not ok and tostring(err):find("a loop is running"), err)
ok, err = pcall(ml.run, print, { clok = "virtual" })
assert(not ok and err:find("did you mean 'clock'"), err)
ok, err = pcall(ml.sleep, 0)
assert(not ok and err:find("not inside a task"), err)

-- A run that can never go on ends.
ok, err = pcall(ml.run, function() ml.event():wait() end)
assert(not ok and tostring(err):find("EDEADLK"), err)

-- The network, where it is built in.
if package.preload["miniloop.net"] then
  local net = require "miniloop.net"
  assert(ml.run(function()
    local a, b = assert(net.pair())
    ml.spawn(function() b:write(b:read("l"):upper(), "\n"); b:close() end)
    a:write("hello\n")
    return a:read("l")
  end) == "HELLO")
end

-- Outside of tasks all is as it was.
assert(coroutine ~= stock.coroutine and require ~= stock.require)
local co = coroutine.wrap(function(x) return coroutine.yield(x + 1) end)
assert(co(1) == 2 and co("end") == "end")
print "well"
]]

local function stock_lua()
  for _, name in ipairs { "lua5.4", "lua54", "lua-5.4", "lua" } do
    local output = shell.try(name .. " -v")
    if output:match("^Lua 5%.[45]") then
      return name
    end
  end
  return nil
end

-- Each module can be the first that is required, and is the same afterwards.
local parts_script = [[
local name = arg[1]
local part = require(name)
assert(part ~= nil and part == require(name))
assert(require "miniloop".run(function() return 7 end) == 7)
assert(part == require(name))
]]

local function check_parts(lua)
  local script = root .. "/parts.lua"
  write_file(script, parts_script)
  for _, part in ipairs {
    "base64", "gzip", "http", "http.cookie", "http.date", "http.mime", "json",
    "net", "syscall", "tls", "url", "websocket",
  } do
    shell.run(("%s %s miniloop.%s"):format(lua, quote(script), part))
  end
end

-- What an editor looks into: by name the modules that are in the library, and
-- descriptions of what is made in C, each named as it is required.
function spec.test_editors_find_every_module()
  local lua = prefix .. "/share/miniloop/lua/"
  for _, name in ipairs {
    "base64", "gzip", "http", "json", "net", "tls", "url", "websocket",
    "http/request", "http/response",
  } do
    lu.assertNotNil(io.open(lua .. "miniloop/" .. name .. ".lua") or
      io.open(lua .. "meta/" .. name .. ".lua"), name)
  end
  for _, name in ipairs { "gzip", "json", "net", "tls" } do
    local file <close> = assert(io.open(lua .. "meta/" .. name .. ".lua"))
    lu.assertEquals(file:read "l", "---@meta miniloop." .. name)
  end
end

-- C9.4, C5.11
function spec.test_a_stock_lua_loads_the_module_and_runs_loops()
  local lua = stock_lua()
  lu.skipIf(not lua, "there is no stock Lua 5.4")
  local preload = shell.build("ML_PRELOAD")
  lu.skipIf(sanitizers() ~= "" and preload == "",
    "a sanitizer that cannot be preloaded")
  local script = root .. "/script.lua"
  write_file(script, module_script)
  local module = shell.run(("find %s/lib/lua -name miniloop.so")
    :format(quote(prefix)))
  local directory = module:match("^(.*)/miniloop%.so")
  lua = ("LD_PRELOAD=%s LUA_CPATH=%s %s"):format(quote(preload),
    quote(directory .. "/?.so"), lua)
  -- The report of the deadlock goes to standard error, which is not looked at.
  lu.assertEquals(shell.run(lua .. " " .. quote(script) .. " 2>/dev/null"),
    "well\n")
  check_parts(lua)
end

return spec
