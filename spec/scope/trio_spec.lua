-- C5.5, C5.6, C5.7: the semantics of cancellation where Trio's and ours agree.
-- The same scenarios run in both, each on its virtual clock, and the two logs
-- must be one. Where the models differ, docs/guide.md says why.

local command = require "spec.support.command"
local lu = require "luaunit"
local shell = require "spec.support.shell"

local spec = {}

local here = (os.getenv "ML_SOURCE" or ".") .. "/spec/scope/trio_scenarios"

local function output(line)
  local pipe <close> = assert(io.popen(line .. " 2>&1"))
  return pipe:read("a")
end

-- The Python that has Trio: the one of the path may not be the system's.
local function python()
  for _, name in ipairs { "python3", "/usr/bin/python3" } do
    if os.execute(name .. " -c 'import trio' >/dev/null 2>&1") then
      return name
    end
  end
end

function spec.test_the_log_of_cancellation_is_that_of_trio()
  local name = python()
  lu.skipIf(not name, "no Python with Trio (python3-trio)")
  local ours = output(shell.quote(command.path()) .. " --virtual-time "
    .. shell.quote(here .. ".lua"))
  lu.assertStrContains(ours, "race_with_completion")
  lu.assertEquals(ours, output(name .. " " .. shell.quote(here .. ".py")))
end

return spec
