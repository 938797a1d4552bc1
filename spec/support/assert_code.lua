local lu = require "luaunit"

-- Asserts that a call answered nil and an error of that code, which it returns:
-- assert_code("EBADF", stream:read()).
local function assert_code(code, value, err)
  lu.assertNil(value)
  lu.assertEquals(err and err.code, code)
  return err
end

return assert_code
