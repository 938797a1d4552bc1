-- To cancel a task takes a block of memory. When there was none for a member of
-- a group that failed, all tasks of the loop were killed, the script and those
-- that had no part in it as well, without a word and with status 0. Now that
-- member alone is killed.

local lu = require "luaunit"
local command = require "spec.support.command"

local spec = {}

function spec.test_only_the_members_of_the_group_end()
  local result = command.run { "--max-memory=3M", "-l", "ml=miniloop", "-e", [[
    local other = ml.spawn(function() ml.sleep(0.01) return "lives" end)
    print(pcall(ml.group, function(g)
      while true do g:spawn(ml.sleep, 1000) end
    end))
    print(other:wait())
  ]] }
  lu.assertEquals(result.err, "")
  lu.assertEquals(result.status, 0)
  lu.assertStrMatches(result.out, "false\t.*not enough memory.*\n"
    .. "true\tlives\n")
end

return spec
