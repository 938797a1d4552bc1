-- A system on which the libraries are missing that modules open when they need
-- them, or are others: an error that says so, which a script can act on.

local lfs = require "lfs"
local lu = require "luaunit"
local command = require "spec.support.command"
local shell = require "spec.support.shell"

local spec = {}

local libraries = {
  "libz.so.1", "libjansson.so.4", "libwslay.so.1", "libssl.so.3",
}

-- All that needs a library, each a line: its answers.
local script = [[
  local net, tls = require "miniloop.net", require "miniloop.tls"
  local gzip, json = require "miniloop.gzip", require "miniloop.json"
  local websocket = require "miniloop.websocket"
  local at = "127.0.0.1:0"
  local a, b = net.pair()
  local calls = {
    { gzip.compress, "x" }, { gzip.decompress, "x" },
    { gzip.inflater }, { gzip.deflater },
    { json.decode, "[]" },
    { tls.available }, { tls.context, {} },
    { net.connect, "tls://127.0.0.1:1" }, { net.connect, at, { tls = {} } },
    { net.listen, at, { tls = { cert = "/x" } } },
    { net.serve, at, print, { tls = { cert = "/x" } } },
    { a.starttls, a, { name = "x" } },
    { websocket.connect, "ws://127.0.0.1:1" },
  }
  for _, call in ipairs(calls) do
    local value, err = call[1](table.unpack(call, 2))
    print(value, err.code, err.reason)
  end
  print(json.encode { 1, "two" }, a:tls())
]]

-- Runs it with libraries that make(path) makes, in their place.
local function run_with(make)
  local folder = os.tmpname()
  assert(os.remove(folder))
  shell.run("mkdir " .. folder)
  for _, name in ipairs(libraries) do
    make(folder .. "/" .. name)
  end
  local result = command.run({ "-e", script },
    { shell = "export LD_LIBRARY_PATH=" .. folder })
  shell.run("rm -r " .. folder)
  command.expect(result, 0, nil, "")
  return result.out
end

local function assert_told(out, texts)
  lu.assertStrContains(out, '[1,"two"]\tnil\n')
  local lines = {}
  for line in out:gmatch("nil\tENOTSUP\t([^\n]*)\n") do
    table.insert(lines, line)
  end
  lu.assertEquals(#lines, 13)
  for i, line in ipairs(lines) do
    local text = texts[i <= 4 and 1 or i == 5 and 2 or i == 13 and 3 or 4]
    lu.assertEquals(line, text)
  end
end

local function skip_where_they_are_others()
  lu.skipIf(lfs.attributes("/proc/self/maps", "mode") ~= "file", "not Linux")
end

function spec.test_a_library_that_is_not_there_is_named()
  skip_where_they_are_others()
  assert_told(run_with(function(path)
    command.write_file(path, "no library")
  end), {
    "libz.so.1 is not there", "libjansson.so.4 is not there",
    "libwslay.so.1 (wslay) is not there",
    "libssl.so.3 (OpenSSL 3) is not there",
  })
end

function spec.test_a_function_that_a_library_lacks_is_named()
  skip_where_they_are_others()
  shell.need("cc")
  assert_told(run_with(function(path)
    shell.run("cc -shared -o " .. path .. " -x c /dev/null")
  end), {
    "libz.so.1 has no inflateInit2_", "libjansson.so.4 has no json_loadb",
    "libwslay.so.1 (wslay) has no wslay_frame_context_init",
    "libssl.so.3 (OpenSSL 3) has no SSL_CIPHER_get_name",
  })
end

return spec
