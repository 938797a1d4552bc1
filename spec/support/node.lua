-- Runs scripts of Node, and reads what they print, without blocking the loop.

local lu = require "luaunit"
local net = require "miniloop.net"

local node = {}

local root = arg[0]:match("^(.*/)spec/[^/]*$") or "./"

-- Debian's packages are in a folder that only Debian's Node knows.
local command =
  "NODE_PATH=${NODE_PATH:-/usr/share/nodejs} exec timeout 60 node "

-- Skips the test where the package cannot be had.
function node.need(package)
  local found = os.execute(("NODE_PATH=${NODE_PATH:-/usr/share/nodejs} node -e "
    .. "'require(%q)' >/dev/null 2>&1"):format(package))
  lu.skipIf(not found, "Node or its package " .. package .. " is not installed")
end

-- Starts spec/<script> with these words; gives its output as a stream, which is
-- closed, with the process waited for, at the end of a block.
function node.start(script, ...)
  local words = { command .. root .. "spec/" .. script }
  for _, word in ipairs { ... } do
    words[#words + 1] = "'" .. word .. "'"
  end
  local file = assert(io.popen(table.concat(words, " ") .. " 2>&1", "r"))
  local out = assert(net.stream(file))
  return setmetatable({ out = out, file = file }, {
    __index = { lines = function(self)
      return self.out:lines()
    end },
    __close = function(self)
      self.out:close()
      self.file:close()
    end,
  })
end

return node
