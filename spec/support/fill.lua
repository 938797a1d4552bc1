-- Fills a stream: writes until nothing more fits. Gives the number of bytes.
--
-- A system may refuse a write that it would take the next moment (./dev torture
-- io eagain): full is who is refused again and again.

local lu = require "luaunit"

local piece = ("x"):rep(65536)

return function(stream)
  local total, refused = 0, 0
  while refused < 20 do
    local n, err = stream:writesome(piece)
    lu.assertNil(err)
    total = total + n
    refused = n > 0 and 0 or refused + 1
  end
  return total
end
