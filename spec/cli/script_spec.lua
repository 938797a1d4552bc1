-- C8.2: the script is task 1; arg, ..., LUA_INIT, the order of the parts, and
-- where `require` looks. C8.3: bytecode.

local lu = require "luaunit"
local command = require "spec.support.command"

local run, eval, expect = command.run, command.eval, command.expect
local with_file = command.with_file

local spec = {}

-- ------------------------------------------------------- arg and the script

function spec.test_arg_holds_the_command_line()
  local chunk = "for i = -4, 3 do io.write(i, '=', tostring(arg[i]), ' ') end"
  with_file(chunk, function(path)
    local result = run({ "-e", "", path, "one", "" }, { poller = false })
    expect(result, 0, ("-4=nil -3=%s -2=-e -1= 0=%s 1=one 2= 3=nil "):format(
      command.path(), path), "")
  end)
end

function spec.test_arg_without_a_script_begins_with_the_command()
  local result = run({ "-e", "print(arg[0], arg[1], arg[-1])" },
    { poller = false })
  expect(result, 0, command.path() .. "\t-e\tnil\n", "")
end

function spec.test_the_script_gets_what_arg_holds_by_then()
  with_file("print(...)", function(path)
    expect(run { "-e", "arg[1] = 'other'", path, "one", "two" }, 0,
      "other\ttwo\n", "")
    local result = run { "-e", "arg = nil", path }
    expect(result, 1, "")
    lu.assertStrContains(result.err, "'arg' is not a table")
  end)
end

function spec.test_only_the_script_gets_arguments()
  with_file("", function(path)
    expect(run { "-e", "print(select('#', ...))", path, "one" }, 0, "0\n", "")
  end)
end

function spec.test_a_first_line_for_the_shell_is_skipped()
  with_file("#!/usr/bin/env miniloop\nprint(debug.getinfo(1).currentline)",
    function(path)
      expect(run { path }, 0, "2\n", "")
      assert(os.execute("chmod +x " .. path))
    end)
end

function spec.test_a_script_can_be_started_by_its_first_line()
  lu.skipIf(command.path():find "%s", "such a line cannot name a path of words")
  with_file("#!" .. command.path() .. "\nprint('by itself', ...)",
    function(path)
      assert(os.execute("chmod +x " .. path))
      expect(run({ "a" }, { command = path, poller = false }), 0,
        "by itself\ta\n", "")
    end)
end

function spec.test_all_parts_run_in_task_1_and_in_order()
  with_file("print('script', ml.id())", function(path)
    local result = run({ "-e", "print('e', ml.id())", "-l", "ml=miniloop",
      "-e", "print('e', ml.id())", path },
      { shell = "export LUA_INIT='ml = require \"miniloop\" "
        .. "print(\"init\", ml.id())'" })
    expect(result, 0, "init\t1\ne\t1\ne\t1\nscript\t1\n", "")
  end)
end

function spec.test_every_part_may_block()
  with_file("print(tostring(...)) ml.sleep(1) return {}", function(path)
    local dir, name = path:match("^(.*)/([^/]*)$")
    local result = run({ "--virtual-time", "-e", "ml.sleep(1) print 'e'", "-l",
      "m=" .. name, "-e", "print(type(m), ml.now())", path, "script" },
      { shell = ("export LUA_PATH=%s/? LUA_INIT=%s"):format(dir,
        "'ml = require \"miniloop\" ml.sleep(1)'") })
    expect(result, 0, ("e\n%s\ntable\t3.0\nscript\n"):format(name), "")
  end)
end

function spec.test_scripts_find_the_global_syscall()
  expect(eval("print(coroutine.yield(syscall.id()))"), 0, "1\n", "")
end

-- --------------------------------------------------------------- LUA_INIT

local function init(lines, words)
  return run(words or { "-e", "print 'e'" }, { shell = lines })
end

function spec.test_LUA_INIT_is_a_chunk()
  expect(init "export LUA_INIT='print(\"init\")'", 0, "init\ne\n", "")
end

function spec.test_LUA_INIT_with_an_at_names_a_file()
  with_file("print('file', ...)", function(path)
    expect(init("export LUA_INIT=@" .. path), 0, "file\ne\n", "")
  end)
end

function spec.test_LUA_INIT_of_the_version_goes_before_the_plain_one()
  local lines = [[
    export LUA_INIT='print "plain"' LUA_INIT_5_4='print "5.4"'
    export LUA_INIT_5_5='print "5.4"']]
  expect(init(lines), 0, "5.4\ne\n", "")
end

function spec.test_LUA_INIT_is_not_run_for_version_and_help()
  local result = init("export LUA_INIT='print(\"init\")'", { "--version" })
  expect(result, 0)
  lu.assertNotStrContains(result.out, "init")
end

function spec.test_an_error_in_LUA_INIT_ends_the_script()
  local result = init "export LUA_INIT='error(\"in init\")'"
  expect(result, 1, "")
  lu.assertStrContains(result.err, "LUA_INIT:1: in init")
end

-- ----------------------------------------------------------------- require

function spec.test_require_finds_what_is_built_in()
  expect(eval [[
    print(require "miniloop" == require "miniloop",
      type(require "miniloop.syscall"))
  ]], 0, "true\ttable\n", "")
end

function spec.test_require_looks_where_LUA_PATH_says()
  with_file("return { ... }", function(path)
    local dir, name = path:match("^(.*)/([^/]*)$")
    local shell = "export LUA_PATH='" .. dir .. "/?'"
    expect(run({ "-e", ("print(table.concat(require %q, ' '))"):format(name) },
      { shell = shell }), 0, name .. " " .. path .. "\n", "")
    expect(run({ "-e", "print(package.path)" }, { shell = shell }), 0,
      dir .. "/?\n", "")
  end)
end

function spec.test_require_looks_where_lua_looks()
  local plain = io.popen("lua5.4 -e 'print(package.path, package.cpath)'")
  local paths = plain:read("a")
  plain:close()
  lu.skipIf(paths == "", "no lua5.4")
  expect(eval("print(package.path, package.cpath)"), 0, paths, "")
end

function spec.test_require_loads_modules_written_in_C()
  expect(eval [[
    local cjson, lpeg = require "cjson", require "lpeg"
    print(cjson.encode { 1, 2 }, lpeg.match(lpeg.P "a" ^ 1, "aab"))
  ]], 0, "[1,2]\t3\n", "")
end

-- ---------------------------------------------------------------- bytecode

local refused = "attempt to load a binary chunk (mode is 't')"

function spec.test_binary_chunks_are_refused_by_load()
  expect(eval [[
    local code = string.dump(function() return 1 end)
    print(load(code))
    print(load(code, "name", "bt"))
    print(load(code, "name", "b"))
    local read = false
    print(load(function() read = not read return read and code or nil end))
  ]], 0, ("nil\t%s\nnil\t%s\nnil\t%s\nnil\t%s\n"):format(refused, refused,
    "attempt to load a binary chunk (mode is '')", refused), "")
end

function spec.test_binary_chunks_are_refused_from_files()
  with_file(string.dump(function() end), function(path)
    local dir, name = path:match("^(.*)/([^/]*)$")
    local result = run({ "-e", [[
      local path, name = os.getenv "FILE", os.getenv "NAME"
      print(select(2, loadfile(path)))
      print(select(2, loadfile(path, "bt", {})))
      print(select(2, pcall(dofile, path)))
      print(select(2, pcall(require, name)))
    ]] }, { shell = ("export FILE=%s NAME=%s LUA_PATH=%s/?"):format(path, name,
      dir) })
    local text = refused .. "\n"
    expect(result, 0, text .. text .. text .. ("error loading module '%s' from "
      .. "file '%s':\n\t%s"):format(name, path, text), "")
  end)
end

function spec.test_a_binary_script_is_refused_with_a_hint()
  with_file(string.dump(function() end), function(path)
    expect(run { path }, 2, "", ("miniloop: %s: %s; --allow-bytecode permits "
      .. "it\n"):format(path, refused))
  end)
end

function spec.test_allow_bytecode_lets_binary_chunks_be_loaded()
  local code = run { "-e", 'io.write(string.dump(load "return ..."))' }
  with_file(code.out, function(path)
    local dir, name = path:match("^(.*)/([^/]*)$")
    expect(run({ "--allow-bytecode", "-e", ([[
      local path = %q
      print(load(string.dump(function() return "loaded" end))())
      print(loadfile(path)("file"), dofile(path), require(%q))
    ]]):format(path, name), path }, { shell = "export LUA_PATH=" .. dir .. "/?"
      }), 0, ("loaded\nfile\tnil\t%s\t%s\n"):format(name, path), "")
  end)
end

function spec.test_text_is_loaded_as_ever()
  with_file("return ...", function(path)
    expect(run { "-e", ([[
      local path = %q
      print(load("return ...", "name", "t")(1), load("return x", "n", nil,
        { x = 2 })(), pcall(load("return x", "n", "bt", nil)))
      print(load("return 1", "name", "b"))
      print(loadfile(path, nil, {})(3), loadfile(path)(4), (dofile(path)))
      print(pcall(load, nil))
      print(pcall(load, "", "", {}))
      print(load("x x"), loadfile "/nosuch/file")
      print(select(2, pcall(function() load() end)))
    ]]):format(path) }, 0, [[
1	2	false	[string "n"]:1: attempt to index a nil value (upvalue '_ENV')
nil	attempt to load a text chunk (mode is '')
3	4	nil
false	bad argument #1 to 'load' (function expected, got nil)
false	bad argument #3 to 'load' (string expected, got table)
nil	nil	cannot open /nosuch/file: No such file or directory
(command line):9: bad argument #1 to 'load' (function expected, got no value)
]], "")
  end)
end

function spec.test_a_module_of_text_that_cannot_be_found_says_where_it_looked()
  local result = run({ "-e", "print(pcall(require, 'nosuch'))" },
    { shell = "export LUA_PATH='/nosuch/?.lua' LUA_CPATH='/nosuch/?.so'" })
  expect(result, 0, nil, "")
  lu.assertStrContains(result.out, "no file '/nosuch/nosuch.lua'")
  lu.assertStrContains(result.out, "no file '/nosuch/nosuch.so'")
end

function spec.test_bytecode_of_standard_input_is_refused_too()
  local result = run({ "-" }, { stdin = string.dump(load "print(1)") })
  expect(result, 2, "")
  lu.assertStrContains(result.err, "stdin: " .. refused)
end

return spec
