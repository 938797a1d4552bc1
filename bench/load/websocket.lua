-- websocket.lua PORT CONNECTIONS SIZE WARM N: sends messages over WebSockets,
-- each connection one at a time, and waits for their echoes. For measure.
local mark = require "bench.lib.mark"
local ml = require "miniloop"
local websocket = require "miniloop.websocket"

local port = arg[1]
local connections, size = math.tointeger(arg[2]), math.tointeger(arg[3])
local warm, n = math.tointeger(arg[4]), math.tointeger(arg[5])
local message = ("x"):rep(size)

local open = {}
for i = 1, connections do
  open[i] = assert(websocket.connect("ws://127.0.0.1:" .. port .. "/"))
end

-- Sends so many over all connections; how many echoes were right.
local function run(count)
  local left, right = count, 0
  ml.group(function(group)
    for i = 1, connections do
      group:spawn(function()
        while left > 0 do
          left = left - 1
          assert(open[i]:send(message))
          local echo = open[i]:recv()
          right = right + (echo == message and 1 or 0)
        end
      end)
    end
  end)
  return right
end

run(warm)
mark "start"
local right = run(n)
mark "stop"
print("requests=" .. right)
print("errors=" .. n - right)
os.exit(0)
