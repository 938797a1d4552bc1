-- What cqueues does where we are tortured: lua5.4 cqueues.lua SCENARIO. See
-- peers.lua.

local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local socket = require "cqueues.socket"
local transfer = require "spec.torture.peers.transfer"

local loop = cqueues.new()
local scenarios = {}

function scenarios.raise()
  loop:wrap(function()
    cqueues.sleep(0.01)
    error "a task raises"
  end)
  loop:wrap(function()
    cqueues.sleep(0.05)
    print "finished"
  end)
end

function scenarios.closed()
  local near = socket.pair()
  local told = false
  loop:wrap(function()
    local ok, data, why = pcall(near.read, near, 1)
    told = true
    print(ok and ("told: %s %s"):format(data, why) or "told: an error raised")
  end)
  loop:wrap(function()
    cqueues.sleep(0.02)
    near:close()
    cqueues.sleep(1)
    if not told then
      print "never told"
    end
  end)
end

function scenarios.writer()
  local near, far = socket.pair()
  local told = false
  loop:wrap(function()
    local ok, data, why = pcall(near.write, near, ("x"):rep(8 << 20))
    told = true
    print(ok and ("told: %s %s"):format(data, why) or "told: an error raised")
  end)
  loop:wrap(function()
    cqueues.sleep(0.02)
    near:close()
    cqueues.sleep(1)
    if not told then
      print "never told"
    end
    far:close()
  end)
end

function scenarios.deadlock()
  local one, two = condition.new(), condition.new()
  loop:wrap(function()
    one:wait()
    two:signal()
  end)
  loop:wrap(function()
    two:wait()
    one:signal()
  end)
end

function scenarios.exit()
  loop:wrap(function()
    cqueues.sleep(0.01)
    os.exit(7, true)
  end)
end

function scenarios.naps()
  loop:wrap(function()
    local early = 0
    for _ = 1, 500 do
      local start = cqueues.monotime()
      cqueues.sleep(0.0005)
      early = early + (cqueues.monotime() - start < 0.0005 and 1 or 0)
    end
    print(early .. " of 500")
  end)
end

function scenarios.comparator()
  loop:wrap(function()
    local ok, err = pcall(table.sort, { 1, 2, 3 }, function()
      cqueues.sleep(0.001)
    end)
    print(ok and "blocked" or tostring(err):match("[^:]*$"))
  end)
end

-- Lua's own means, which the library leaves as they are.
function scenarios.chain()
  local last = coroutine.create(print)
  for _ = 1, 50000 do
    local next_one = last
    last = coroutine.create(function()
      local _ <close> = setmetatable({}, {
        __close = function()
          coroutine.close(next_one)
        end,
      })
      coroutine.yield()
    end)
    coroutine.resume(last)
  end
  coroutine.close(last)
  print "finished"
end

function scenarios.server()
  local server = socket.listen("127.0.0.1", 0)
  server:listen()
  loop:wrap(function()
    while true do
      local client = server:accept()
      loop:wrap(function()
        client:setmode("bn", "bn")
        repeat
          local data = client:read(-4096)
        until not data or not client:write(data)
        client:close()
      end)
    end
  end)
  local _, _, port = server:localname()
  print("127.0.0.1:" .. port)
end

-- A coroutine in a loop cannot be ended from outside: its connection can.
local function tick()
  while true do
    local start = cqueues.monotime()
    cqueues.sleep(transfer.pause)
    transfer.late(cqueues.monotime() - start - transfer.pause)
  end
end

local function plain(sock)
  sock:setmode("bn", "bn")
  sock:onerror(function(_, _, code)
    return code
  end)
  return sock
end

local function send(near, ended)
  local ok, done = pcall(near.write, near, transfer.body)
  ended.send = not (ok and done)
end

local function receive(far, ended)
  local ok, data
  repeat
    ok, data = pcall(far.read, far, -transfer.chunk)
    if ok and data then
      cqueues.sleep(transfer.pause)
    end
  until not ok or not data
  ended.receive = true
end

local function transfer_once(server, i)
  local _, _, port = server:localname()
  local far = plain(socket.connect("127.0.0.1", port))
  local near = plain(server:accept())
  local ended = {}
  loop:wrap(send, near, ended)
  loop:wrap(receive, far, ended)
  cqueues.sleep(transfer.middle)
  local victim, other, name = near, far, "receive"
  if i % 2 == 0 then
    victim, other, name = far, near, "send"
  end
  victim:close()
  local from = cqueues.monotime()
  while not ended[name]
      and cqueues.monotime() - from < transfer.patience do
    cqueues.sleep(transfer.pause)
  end
  other:close()
  return ended[name] and transfer.told()
end

function scenarios.transfer()
  local server = socket.listen("127.0.0.1", 0)
  server:listen()
  loop:wrap(tick)
  loop:wrap(function()
    for i = 1, transfer.rounds do
      transfer.begin(i)
      transfer_once(server, i)
    end
    transfer.finish()
    os.exit(0)
  end)
end

io.stdout:setvbuf "line"
scenarios[arg[1]]()
assert(loop:loop())
