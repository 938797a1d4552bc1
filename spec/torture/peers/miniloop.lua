-- What the others are compared with: miniloop miniloop.lua SCENARIO. See
-- peers.lua.

local ml = require "miniloop"
local net = require "miniloop.net"
local transfer = require "spec.torture.peers.transfer"

local scenarios = {}

function scenarios.raise()
  ml.detach(function()
    ml.sleep(0.01)
    error "a task raises"
  end)
  ml.spawn(function()
    ml.sleep(0.05)
    print "finished"
  end)
end

function scenarios.closed()
  local near = net.pair()
  local told = false
  ml.spawn(function()
    local _, err = near:recv(1)
    told = true
    print("told: " .. err.code)
  end)
  ml.sleep(0.02)
  near:close()
  ml.sleep(1)
  if not told then
    print "never told"
  end
end

function scenarios.writer()
  local near, far = net.pair()
  local told = false
  ml.spawn(function()
    local _, err = near:write(("x"):rep(8 << 20))
    told = true
    print("told: " .. err.code)
  end)
  ml.sleep(0.02)
  near:close()
  ml.sleep(1)
  if not told then
    print "never told"
  end
  far:close()
end

function scenarios.deadlock()
  local one, two = ml.event(), ml.event()
  ml.spawn(function()
    one:wait()
    two:set()
  end)
  ml.spawn(function()
    two:wait()
    one:set()
  end)
end

function scenarios.exit()
  ml.spawn(function()
    ml.sleep(0.01)
    os.exit(7, true)
  end)
end

function scenarios.naps()
  local early = 0
  for _ = 1, 500 do
    local start = ml.now()
    ml.sleep(0.0005)
    early = early + (ml.now() - start < 0.0005 and 1 or 0)
  end
  print(early .. " of 500")
end

function scenarios.comparator()
  local ok, err = pcall(table.sort, { 1, 2, 3 }, function()
    ml.sleep(0.001)
  end)
  print(ok and "blocked" or tostring(err):match("%d: (.*)"))
end

-- Here it is tasks that are killed; the others close coroutines.
function scenarios.chain()
  local last = ml.spawn(ml.sleep, 100)
  for _ = 1, 50000 do
    local next_one = last
    last = ml.spawn(function()
      local _ <close> = setmetatable({}, {
        __close = function()
          next_one:kill()
        end,
      })
      ml.sleep(100)
    end)
  end
  ml.sleep(0)
  last:kill()
  print "finished"
end

function scenarios.server()
  dofile "spec/torture/echo_server.lua"
end

local function tick()
  while true do
    local start = ml.now()
    ml.sleep(transfer.pause)
    transfer.late(ml.now() - start - transfer.pause)
  end
end

local function send(near)
  local conn <close> = near
  local ok = conn:write(transfer.body)
  return not ok and transfer.told()
end

local function receive(far)
  local conn <close> = far
  while conn:recv(transfer.chunk) do
    ml.sleep(transfer.pause)
  end
  transfer.told()
end

function scenarios.transfer()
  local ticker = ml.spawn(tick)
  local server <close> = assert(net.listen "127.0.0.1:0")
  for i = 1, transfer.rounds do
    transfer.begin(i)
    local far = assert(net.connect(server:address()))
    local tasks = {
      ml.spawn(send, assert(server:accept())), ml.spawn(receive, far),
    }
    ml.sleep(transfer.middle)
    tasks[i % 2 + 1]:kill()
    tasks[2 - i % 2]:wait(transfer.patience)
  end
  transfer.finish()
  ticker:kill()
end

scenarios[arg[1]]()
