-- What luv does where we are tortured, in coroutines as its users write them:
-- lua5.4 luv.lua SCENARIO. See peers.lua.

local transfer = require "spec.torture.peers.transfer"
local uv = require "luv"

local scenarios = {}

-- What resumes the coroutine, unless that was closed meanwhile.
local function waker(co)
  return function(...)
    if coroutine.status(co) == "suspended" then
      assert(coroutine.resume(co, ...))
    end
  end
end

local function sleep(ms)
  local wake, timer = waker(coroutine.running()), uv.new_timer()
  timer:start(ms, 0, function()
    timer:close()
    wake()
  end)
  coroutine.yield()
end

local function spawn(f, ...)
  assert(coroutine.resume(coroutine.create(f), ...))
end

-- Calls f(client) with each client of a server, whose address is printed.
local function serve(f)
  local server = uv.new_tcp()
  assert(server:bind("127.0.0.1", 0))
  assert(server:listen(1024, function(err)
    local client = uv.new_tcp()
    if not err and server:accept(client) then
      return f(client)
    end
    client:close()
  end))
  return server, "127.0.0.1:" .. server:getsockname().port
end

function scenarios.raise()
  spawn(function()
    sleep(10)
    error "a task raises"
  end)
  spawn(function()
    sleep(50)
    print "finished"
  end)
end

function scenarios.closed()
  local ends = uv.socketpair("stream", nil, { nonblock = true },
    { nonblock = true })
  local pipe = uv.new_pipe()
  pipe:open(ends[1])
  local told = false
  pipe:read_start(function(err, data)
    told = true
    print("told: " .. tostring(err or data))
  end)
  spawn(function()
    sleep(20)
    pipe:close()
    sleep(1000)
    if not told then
      print "never told"
    end
  end)
end

function scenarios.writer()
  local ends = uv.socketpair("stream", nil, { nonblock = true },
    { nonblock = true })
  local pipe = uv.new_pipe()
  pipe:open(ends[1])
  local told = false
  pipe:write(("x"):rep(8 << 20), function(err)
    told = true
    print("told: " .. tostring(err))
  end)
  spawn(function()
    sleep(20)
    pipe:close()
    sleep(1000)
    if not told then
      print "never told"
    end
  end)
end

function scenarios.deadlock()
  local one, two
  one = coroutine.create(function()
    coroutine.yield() -- until two resumes it
    coroutine.resume(two)
  end)
  two = coroutine.create(function()
    coroutine.yield()
    coroutine.resume(one)
  end)
  coroutine.resume(one)
  coroutine.resume(two)
end

function scenarios.exit()
  spawn(function()
    sleep(10)
    os.exit(7, true)
  end)
end

function scenarios.naps()
  print "its timers have whole milliseconds"
end

function scenarios.comparator()
  spawn(function()
    local ok, err = pcall(table.sort, { 1, 2, 3 }, function()
      sleep(1)
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
  local _, address = serve(function(client)
    client:read_start(function(err, data)
      if err or not data then
        client:close()
      else
        client:write(data)
      end
    end)
  end)
  print(address)
end

-- To kill is to close the coroutine, with what it has to be closed.
local function closing(handle)
  return setmetatable({}, { __close = function()
    handle:close()
  end })
end

local function send(near)
  local _ <close> = closing(near)
  near:write(transfer.body, waker(coroutine.running()))
  if coroutine.yield() then
    transfer.told()
  end
end

local function receive(far)
  local _ <close> = closing(far)
  local wake = waker(coroutine.running())
  repeat
    far:read_start(wake)
    local err, data = coroutine.yield()
    far:read_stop()
    if data then
      sleep(1)
    end
  until err or not data
  transfer.told()
end

local function transfer_once(server, address, i)
  local far = uv.new_tcp()
  far:connect("127.0.0.1", address.port, waker(coroutine.running()))
  coroutine.yield()
  local near = uv.new_tcp()
  assert(server:accept(near))
  local tasks = { coroutine.create(send), coroutine.create(receive) }
  assert(coroutine.resume(tasks[1], near))
  assert(coroutine.resume(tasks[2], far))
  sleep(5)
  coroutine.close(tasks[i % 2 + 1])
  for _ = 1, transfer.patience * 1000 do
    if coroutine.status(tasks[2 - i % 2]) == "dead" then
      break
    end
    sleep(1)
  end
end

function scenarios.transfer()
  local ticker, last = uv.new_timer(), uv.hrtime()
  ticker:start(1, 1, function()
    transfer.late((uv.hrtime() - last) / 1e9 - 0.001)
    last = uv.hrtime()
  end)
  local server = uv.new_tcp()
  assert(server:bind("127.0.0.1", 0))
  assert(server:listen(16, function() end))
  spawn(function()
    for i = 1, transfer.rounds do
      transfer.begin(i)
      transfer_once(server, server:getsockname(), i)
    end
    transfer.finish()
    ticker:close()
    server:close()
  end)
end

io.stdout:setvbuf "line"
scenarios[arg[1]]()
uv.run()
