-- Answers of pipelines are sent by a task that the first of them makes, for all
-- connections of a server. When that task did not come to it (it was killed, or
-- there was no memory for it), no answer that was held back was ever sent
-- again, whoever waited for it.

local lu = require "luaunit"
local asking = require "spec.http.asking"
local ml = require "miniloop"
local net = require "miniloop.net"

local spec = {}

spec.after_each = asking.stop

-- A request that is answered at once, and one that is not: the first answer is
-- held back. True if it comes all the same.
local function ask(address, slow)
  local conn = assert(net.connect(address))
  conn:write(asking.text_of "GET /fast", asking.text_of(slow))
  local text = ""
  repeat
    local bytes = conn:recv(nil, 0.2)
    text = text .. (bytes or "")
  until not bytes or text:find "fast$"
  return text:find "fast$" ~= nil, conn
end

function spec.test_a_sender_that_never_ran_holds_nobody_else_up()
  local killed = 0
  local address = asking.serve {
    ["GET /fast"] = function() return "fast" end,
    ["GET /slow"] = function() ml.sleep(9) end,
    ["GET /kill"] = function()
      for _, info in ipairs(ml.tasks()) do
        if info.id > ml.id() and ml.kill(info.id) then
          killed = killed + 1
        end
      end
      ml.sleep(9)
    end,
  }
  local came, first = ask(address, "GET /kill")
  lu.assertEquals({ came, killed }, { false, 1 })
  local others, second = ask(address, "GET /slow")
  lu.assertTrue(others)
  first:close()
  second:close()
end

return spec
