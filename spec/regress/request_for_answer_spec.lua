-- Whoever took a request for the result of its call, and looked for a field of
-- it or called it, ended the process: the function that explains the mistake
-- had not been given what it needs.

local lu = require "luaunit"
local raises = require "spec.support.raises"

local spec = {}

local text = "syscall.sleep(1) is a request, which does nothing until it is "
  .. "made: coroutine.yield(syscall.sleep(1)), or ml.perform"

-- C2.1
function spec.test_a_request_has_no_fields()
  raises(text, function() return syscall.sleep(1).field end)
  raises(text, function() return syscall.sleep(1)[1] end)
  raises(text, function() return syscall.sleep(1):method() end)
end

function spec.test_a_request_cannot_be_called()
  raises(text, function() return syscall.sleep(1)() end)
end

function spec.test_a_request_still_says_what_it_is()
  lu.assertEquals(tostring(syscall.sleep(1)), "syscall.sleep(1)")
end

return spec
