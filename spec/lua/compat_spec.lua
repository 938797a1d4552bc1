-- C8.3: a script that uses nothing of miniloop behaves as under lua5.4. Each
-- script in compat/ is run under both, and what it wrote and its status are
-- compared; the differences that the manual lists are shown here.

local lfs = require "lfs"
local lu = require "luaunit"
local command = require "spec.support.command"

local root = arg[0]:match("^(.*/)spec/[^/]*$") or ""
local scripts = root .. "spec/lua/compat/"

local spec = {}

local function lua_command()
  for _, name in ipairs { "lua5.4", "lua54", "lua-5.4" } do
    if os.execute(("command -v %s >/dev/null"):format(name)) then
      return name
    end
  end
  return nil
end

-- Of a script that died, the report is the command's own. No two addresses are
-- alike.
local function outcome_of(result)
  return {
    out = result.out:gsub("0x%x%x%x%x%x+", "(address)"),
    err = result.status == 0 and result.err or nil,
    status = result.status or "signal " .. result.signal,
  }
end

local words = { "", "one", "two words", "" }
local input = "a first line\n12 0x1p4 -7e1 x\nrest\nof it"

local function run(path, lua)
  words[1] = path
  return outcome_of(command.run(words, {
    stdin = input,
    command = lua,
    poller = lua and false,
    shell = "cd " .. scripts .. " && export ML_COMPAT=yes",
  }))
end

local function compare(name)
  local lua = lua_command()
  lu.skipIf(not lua, "no lua5.4")
  local expected = run(name, lua)
  lu.assertEquals(run(name), expected)
  lu.assertTrue(#expected.out > 0, "the script prints nothing")
end

for name in lfs.dir(scripts) do
  local title = name:match("^(.*)%.lua$")
  if title then
    spec[("test_%s_is_as_under_lua"):format(title)] = function()
      compare(name)
    end
  end
end

-- ---------------------------------------------------------- the differences

local function eval(chunk)
  local result = command.eval(chunk)
  command.expect(result, 0, nil, "")
  return result.out
end

function spec.test_string_dump_works_and_binary_chunks_are_refused()
  lu.assertEquals(eval [[
    local code = string.dump(function() end)
    print(code:sub(2, 4), load(code))
  ]], "Lua\tnil\tattempt to load a binary chunk (mode is 't')\n")
end

function spec.test_the_main_chunk_is_a_coroutine()
  lu.assertEquals(eval [[
    print(coroutine.isyieldable(), select(2, coroutine.running()))
    print(select("#", coroutine.yield()))
  ]], "true\tfalse\n0\n")
end

function spec.test_the_collector_starts_in_incremental_mode()
  lu.assertEquals(eval "print(collectgarbage 'generational')", "incremental\n")
end

function spec.test_the_manual_lists_the_differences()
  local file <close> = assert(io.open(root .. "docs/miniloop.1"))
  local list = file:read("a"):match("\n%.Sh COMPATIBILITY\n(.-)\n%.Sh ")
  for _, text in ipairs { "exit statuses", "os.exit", "Binary chunks",
    "The main chunk is a coroutine", "incremental mode", "reports an error" } do
    lu.assertStrContains(list, text)
  end
end

return spec
