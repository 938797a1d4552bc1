-- C8.6: what a script prints goes to standard output, everything of the
-- command's own to standard error, coloured on a terminal.

local lu = require "luaunit"
local command = require "spec.support.command"

local run, eval, expect = command.run, command.eval, command.expect

local spec = {}

local failing = [[
  print "from the script"
  require "miniloop".new(error, "a failure")
]]

function spec.test_reports_go_to_standard_error()
  local result = eval(failing)
  expect(result, 1, "from the script\n")
  lu.assertStrContains(result.err, "miniloop: task 2 failed")
end

function spec.test_reports_are_not_coloured_in_files()
  lu.assertNotStrContains(eval(failing).err, "\27")
  lu.assertNotStrContains(run({ "--nosuch" }).err, "\27")
end

local function on_terminal(shell)
  local result = command.on_terminal({ "-e", failing }, { shell = shell })
  lu.skipIf(not result, "no script(1)")
  return result.out
end

function spec.test_reports_are_coloured_on_a_terminal()
  lu.assertStrContains(on_terminal "unset NO_COLOR",
    "miniloop: \27[1;31mtask 2 failed\27[0m: ")
  lu.assertStrContains(on_terminal "export NO_COLOR=",
    "miniloop: \27[1;31mtask 2 failed\27[0m: ")
end

function spec.test_reports_are_not_coloured_if_NO_COLOR_is_set()
  local out = on_terminal "export NO_COLOR=1"
  lu.assertStrContains(out, "miniloop: task 2 failed: ")
  lu.assertNotStrContains(out, "\27")
end

function spec.test_what_a_script_prints_is_never_coloured()
  lu.assertStrMatches(on_terminal "unset NO_COLOR", "from the script\n.*")
end

function spec.test_warnings_are_off_until_they_are_asked_for()
  local warn = "warn('one ', 'line') warn('@off') warn('not') "
    .. "warn('@on') warn('@unknown') warn('@on', '') warn('two')"
  expect(eval(warn), 0, "", "Lua warning: @on\nLua warning: two\n")
  expect(run { "-W", "-e", warn }, 0, "",
    "Lua warning: one line\nLua warning: @on\nLua warning: two\n")
end

-- Nothing of the loop takes its number.
function spec.test_a_standard_stream_that_is_closed_stays_so()
  local path = os.tmpname()
  local chunk = [[
    io.stdout:setvbuf "no"
    io.stderr:write(select(2, io.write "x"), "\n", select(2, io.read()), "\n")
  ]]
  os.execute(("'%s' -e '%s' <&- >&- 2>%s"):format(command.path(), chunk, path))
  lu.assertEquals(command.take_file(path),
    "Bad file descriptor\nBad file descriptor\n")
end

function spec.test_an_output_that_nobody_reads_ends_the_script_as_under_lua()
  local path = os.tmpname()
  local line = "{ %s '%s' -e 'for i = 1, 1e6 do print(i) end'; echo $? >%s; } "
    .. "2>/dev/null | head -n 1 >/dev/null"
  os.execute(line:format(command.default_signals, command.path(), path))
  lu.assertEquals(command.take_file(path), "141\n")
end

return spec
