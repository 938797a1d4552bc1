-- See miniloop.lua beside it. An error in a callback, or in a coroutine that
-- one resumes, is luv's: it prints it and ends the process.

os.getenv "PEERS_BEGIN"

local uv = require "luv"

local ticks = 0
local replies = 0

-- What resumes the coroutine that runs.
local function waker()
  local co = coroutine.running()
  return function(...)
    assert(coroutine.resume(co, ...))
  end
end

local function spawn(f, ...)
  assert(coroutine.resume(coroutine.create(f), ...))
end

local function sleep(ms)
  local timer = assert(uv.new_timer())
  assert(timer:start(ms, 0, waker()))
  coroutine.yield()
  timer:close()
end

local function wait()
  local err, value = coroutine.yield()
  assert(not err, err)
  return value
end

-- A line fits into a packet here.
local function read(conn)
  assert(conn:read_start(waker()))
  local data = wait()
  assert(conn:read_stop())
  return data
end

local function write(conn, bytes)
  assert(conn:write(bytes, waker()))
  wait()
end

local function serve(conn)
  while true do
    local line = read(conn)
    if not line then
      break
    end
    write(conn, "got " .. line)
  end
  conn:close()
end

local function ask(port, word, done)
  local conn = assert(uv.new_tcp())
  assert(conn:connect("127.0.0.1", port, waker()))
  wait()
  write(conn, word .. "\n")
  assert(read(conn) == "got " .. word .. "\n")
  conn:close()
  replies = replies + 1
  done()
end

local function tick(i, done)
  sleep(i)
  ticks = ticks + 1
  done()
end

local function main()
  local server = assert(uv.new_tcp())
  assert(server:bind("127.0.0.1", 0))
  assert(server:listen(16, function(err)
    assert(not err, err)
    local conn = assert(uv.new_tcp())
    assert(server:accept(conn))
    spawn(serve, conn)
  end))
  local left = 6
  local function done()
    left = left - 1
    if left == 0 then
      server:close()
    end
  end
  for i = 1, 3 do
    spawn(tick, i, done)
    spawn(ask, assert(server:getsockname()).port, "word " .. i, done)
  end
  assert(not coroutine.resume(coroutine.create(error), "a task raises"))
end

local ok, err = pcall(function()
  main()
  uv.run()
end)
os.getenv "PEERS_END"
assert(ok, err)
assert(replies == 3 and ticks == 3, "wrong")
print "right"
