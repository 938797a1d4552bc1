-- An echo and its clients in one process: pair.lua N PAIRS, N messages in all.
-- What happens when is the same in every run, so it is for counting
-- instructions, not for taking times.
local ml = require "miniloop"
local net = require "miniloop.net"

local n, pairs_wanted = math.tointeger(arg[1]), math.tointeger(arg[2])
local message, count = ("m"):rep(64), 0

local server <close> = assert(net.serve("127.0.0.1:0", function(conn)
  while true do
    local bytes = conn:recv()
    if not bytes then
      return
    end
    conn:write(bytes)
  end
end))

local function ask()
  local conn <close> = assert(net.connect(server:address()))
  for _ = 1, n // pairs_wanted do
    assert(conn:write(message))
    assert(conn:recv() == message)
    count = count + 1
  end
end

ml.group(function(group)
  for _ = 1, pairs_wanted do
    group:spawn(ask)
  end
end)
print("count=" .. count)
