-- C8.1: the words of the command line.

local lfs = require "lfs"
local lu = require "luaunit"
local command = require "spec.support.command"

local run, eval, expect = command.run, command.eval, command.expect

local spec = {}

function spec.test_a_script_is_run_with_its_arguments()
  command.with_file("print('script', ...)", function(path)
    expect(run { path, "a", "--forever" }, 0, "script\ta\t--forever\n", "")
  end)
end

function spec.test_e_runs_a_chunk_and_may_be_repeated()
  expect(run { "-e", "x = 1", "-eprint(x)", "-e", "-- a comment" }, 0, "1\n",
    "")
end

function spec.test_l_requires_a_module_into_the_global_of_its_name()
  expect(run { "-l", "string", "-lminiloop", "-e",
    "print(string == require 'string', miniloop == require 'miniloop')" }, 0,
    "true\ttrue\n", "")
end

function spec.test_l_requires_a_module_into_a_global_of_another_name()
  expect(run { "-l", "s=string", "-e", "print(s == string)" }, 0, "true\n", "")
end

function spec.test_a_global_of_l_has_the_name_up_to_the_hyphen()
  local chunk = "package.preload['mod-v2'] = function() return 'second' end"
  expect(run { "-e", chunk, "-l", "mod-v2", "-e", "print(mod)" }, 0,
    "second\n", "")
end

function spec.test_a_hyphen_runs_standard_input()
  expect(run({ "-", "x" }, { stdin = "print(arg[0], ...)" }), 0, "-\tx\n", "")
end

function spec.test_without_a_script_standard_input_is_run()
  expect(run({}, { stdin = "print('read', ...)" }), 0, "read\n", "")
  expect(run({ "-l", "s=string" }, { stdin = "print(s == string)" }), 0,
    "true\n", "")
end

function spec.test_e_leaves_standard_input_alone()
  expect(eval("print(io.read())", { stdin = "a line" }), 0, "a line\n", "")
end

function spec.test_without_arguments_on_a_terminal_the_usage_is_printed()
  local result = command.on_terminal({}, { shell = "exec <$(tty)" })
  lu.skipIf(not result, "no script(1)")
  expect(result, 2)
  lu.assertStrContains(result.out, "usage: miniloop")
end

function spec.test_two_hyphens_end_the_options()
  local result = run { "--", "-nosuch.lua" }
  expect(result, 2, "")
  lu.assertStrContains(result.err, "cannot open -nosuch.lua")
end

function spec.test_version_names_the_lua_and_the_pollers()
  for _, option in ipairs { "-v", "--version" } do
    local result = run { option }
    expect(result, 0, nil, "")
    lu.assertStrMatches(result.out,
      "miniloop %d+%.%d+%.%d+\nLua 5%.[^\n]+\npollers: auto, [^\n]+\n")
    lu.assertStrContains(result.out, "select")
  end
end

function spec.test_version_goes_on_with_what_there_is_to_run()
  local result = run { "-v", "-e", "print('ran')" }
  expect(result, 0, nil, "")
  lu.assertStrMatches(result.out, "miniloop .*\nran\n")
end

function spec.test_help_lists_every_option()
  for _, option in ipairs { "-h", "--help" } do
    local result = run { option }
    expect(result, 0, nil, "")
    for _, name in ipairs { "-e", "-l", "-", "-W", "-v", "--version", "-h",
      "--help", "--poller", "--forever", "--virtual-time", "--grace",
      "--timeout", "--seed", "--allow-bytecode", "--max-memory" } do
      lu.assertStrContains(result.out, name)
    end
  end
end

function spec.test_the_manual_describes_every_option()
  local root = arg[0]:match("^(.*/)spec/[^/]*$") or ""
  local file <close> = assert(io.open(root .. "docs/miniloop.1"))
  local manual = file:read("a")
  for name in run({ "--help" }).out:gmatch("%-%-(%a[%a-]*)") do
    local item = "%.It Fl [^\n]*\\%-" .. name:gsub("%-", "%%-")
    lu.assertTrue(manual:find(item) ~= nil, name)
  end
end

-- Wrong use: what is said, and status 2.

local function refuses(words, text)
  local result = run(words)
  expect(result, 2, "")
  lu.assertStrContains(result.err, "miniloop: " .. text .. "\n")
  lu.assertStrContains(result.err, "miniloop --help")
end

function spec.test_an_unknown_option_names_its_nearest_neighbour()
  refuses({ "--graze=1" }, "there is no option '--graze'; did you mean "
    .. "'--grace'?")
  refuses({ "--virtualtime" }, "there is no option '--virtualtime'; did you "
    .. "mean '--virtual-time'?")
  refuses({ "--nothing-like-it" }, "there is no option '--nothing-like-it'")
  refuses({ "-x" }, "there is no option '-x'")
  refuses({ "-vx" }, "there is no option '-vx'")
end

function spec.test_an_option_without_its_argument_says_what_it_needs()
  refuses({ "-e" }, "-e needs a chunk of Lua")
  refuses({ "-l" }, "-l needs the name of a module")
  refuses({ "--poller" }, "--poller needs the name of a poller")
  refuses({ "--grace" }, "--grace needs a number of seconds")
  refuses({ "--forever=1" }, "--forever takes no argument")
end

function spec.test_numbers_are_checked()
  for _, word in ipairs { "x", "", "1x", "-1", "nan" } do
    refuses({ "--grace=" .. word },
      ("--grace takes a number of seconds, which '%s' is not"):format(word))
    refuses({ "--timeout", word },
      ("--timeout takes a number of seconds, which '%s' is not"):format(word))
  end
  refuses({ "--seed=1.5" }, "--seed takes a whole number, which '1.5' is not")
  refuses({ "--seed=-1" }, "--seed takes a whole number, which '-1' is not")
end

function spec.test_a_size_of_memory_is_checked()
  for _, word in ipairs { "0", "0K", "", "abc", "-1", "1x", "1.5M", "1KB",
    " 1M", "+1M", "0x10M", "M", "1MM", "nan" } do
    refuses({ "--max-memory=" .. word }, ("--max-memory takes a number of "
      .. "bytes, such as 64M, which '%s' is not"):format(word))
  end
  for _, word in ipairs { "99999999999999999999", "17179869184G",
    "18446744073709551615K" } do
    refuses({ "--max-memory=" .. word },
      ("--max-memory=%s is more than any memory"):format(word))
  end
  refuses({ "--max-memory" }, "--max-memory needs a number of bytes")
  refuses({ "--maxmemory=1M" }, "there is no option '--maxmemory'; did you "
    .. "mean '--max-memory'?")
end

function spec.test_an_unknown_poller_names_its_nearest_neighbour()
  refuses({ "--poller=selekt" },
    "there is no poller 'selekt'; did you mean 'select'?")
  refuses({ "--poller=quantum" },
    "there is no poller 'quantum'; --version lists them")
end

function spec.test_every_poller_of_the_list_can_be_chosen()
  local list = run({ "-v" }).out:match("pollers: ([^\n]+)")
  for name in list:gmatch("[%w_]+") do
    local words = { "--poller", name, "--seed=7", "-e", "print('ran')" }
    expect(run(words, { poller = false }), 0, "ran\n", "")
  end
end

function spec.test_the_poller_that_was_chosen_is_used()
  local chunk = [[
    local lfs = require "lfs"
    for name in lfs.dir "/proc/self/fd" do
      local path = "/proc/self/fd/" .. name
      local target = lfs.symlinkattributes(path, "target")
      if target == "anon_inode:[eventpoll]" then
        print "epoll"
      end
    end
  ]]
  lu.skipIf(not lfs.attributes "/proc/self/fd", "no /proc")
  lu.skipIf(not run({ "-v" }).out:find "epoll", "no epoll")
  local function used(name)
    return run({ "--poller=" .. name, "-e", chunk }, { poller = false }).out
  end
  lu.assertEquals(used "epoll", "epoll\n")
  lu.assertEquals(used "select", "")
end

function spec.test_words_that_are_kept_for_commands_are_no_scripts()
  for word in ("run eval test repl top trace prof bundle bench serve doc new")
    :gmatch("%a+") do
    refuses({ word }, ("there is no command '%s' yet, the word is kept for it; "
      .. "a script of that name is ./%s"):format(word, word))
  end
end

function spec.test_a_script_of_a_kept_name_is_run_by_its_path()
  local dir = os.tmpname()
  os.remove(dir)
  assert(os.execute("mkdir " .. dir))
  command.write_file(dir .. "/test", "print('a test')")
  local result = run({ "./test" }, { shell = "cd " .. dir })
  os.execute("rm -r " .. dir)
  expect(result, 0, "a test\n", "")
end

-- What the options do.

function spec.test_forever_stays_when_no_task_is_left()
  local process <close> = command.start { "--forever", "-e", "print 'up'" }
  lu.assertEquals(process:line(), "up")
  os.execute("sleep 0.1")
  process:kill("TERM")
  lu.assertEquals(process:finish().signal, 15)
end

function spec.test_forever_ends_when_the_script_dies()
  local result = run { "--forever", "-e", "error 'x'" }
  expect(result, 1)
end

function spec.test_virtual_time_jumps_to_the_next_deadline()
  local start = os.time()
  expect(run { "--virtual-time", "-l", "ml=miniloop", "-e",
    "ml.sleep(3600) print(ml.now() >= 3600)" }, 0, "true\n", "")
  lu.assertTrue(os.time() - start < 60)
end

-- Runs a task whose clean-up takes so many seconds.
local function clean_up(seconds, option)
  local chunk = ([[
    local ml = require "miniloop"
    local _ <close> = setmetatable({}, { __close = function()
      ml.sleep(%d)
      print("cleaned up", ml.now())
    end })
    ml.sleep(1000)
  ]]):format(seconds)
  local words = { "--virtual-time", "--timeout=10", "-e", chunk }
  if option then
    table.insert(words, 3, option)
  end
  return run(words)
end

function spec.test_timeout_cancels_everything()
  expect(clean_up(0, "--timeout=20"), 124, "cleaned up\t20.0\n", "")
end

function spec.test_grace_is_the_time_for_clean_up()
  expect(clean_up(4), 124, "cleaned up\t14.0\n", "")
  expect(clean_up(6), 124, "", "") -- 5 seconds, unless told otherwise
  expect(clean_up(6, "--grace=7"), 124, "cleaned up\t16.0\n", "")
end

function spec.test_a_grace_time_of_nothing_kills_at_once()
  expect(clean_up(1, "--grace=0"), 124, "", "")
end

function spec.test_a_seed_is_a_whole_number()
  for _, seed in ipairs { "", "x", "1x", "-1", ("9"):rep(30) } do
    refuses({ "--seed=" .. seed, "-e", "" },
      ("--seed takes a whole number, which '%s' is not"):format(seed))
  end
end

function spec.test_an_option_is_not_cut_short()
  refuses({ "--pol=select", "-e", "" }, "there is no option '--pol'; "
    .. "did you mean '--poller'?")
end

function spec.test_the_shortest_timeout_is_one_still()
  expect(run { "--timeout=1e-9", "-e", "require 'miniloop'.sleep(1000)" },
    124, "", "")
end

return spec
