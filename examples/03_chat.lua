-- A chat: each line goes to all other clients.
--
--   ./dev run examples/03_chat.lua [ADDRESS [DELAY]]
--
-- ADDRESS is 127.0.0.1:8080 unless given; port 0 takes a free one. Talk to it
-- with `nc 127.0.0.1 8080` from a few terminals. What client 3 says is seen by
-- the others, and by it alone, DELAY seconds later (2), that it was heard:
--
--   3: hello
--   Server Got Your Message: "hello"
--
-- When a client leaves, the others are told, and the server prints the same:
--
--   3 has left
--
-- Ctrl-C ends it.

local net = require "miniloop.net"

local delay = tonumber(arg[2] or 2)
local clients = {} -- id of the serving task -> connection

io.stdout:setvbuf "line"

-- One who does not read must not hold up the others: each writes in a task of
-- its own, and is given up after a while.
local function write(conn, text)
  if not conn:write(text, "\n") then
    conn:close() -- so the task that reads from it ends, too
  end
end

local function tell_others(id, text)
  for other, conn in pairs(clients) do
    if other ~= id then
      coroutine.yield(syscall.new(write, conn, text))
    end
  end
end

local function acknowledge(conn, line)
  coroutine.yield(syscall.sleep(delay))
  write(conn, ('Server Got Your Message: "%s"'):format(line))
end

local function serve(client)
  local conn <close> = client
  local id = coroutine.yield(syscall.id())
  conn:settimeout(30, "write")
  clients[id] = conn
  print(id .. " has come")
  while true do
    coroutine.yield(syscall.wait_io_read(conn))
    local line = conn:read()
    if not line then
      break
    end
    tell_others(id, id .. ": " .. line)
    coroutine.yield(syscall.new(acknowledge, conn, line))
  end
  clients[id] = nil
  print(id .. " has left")
  tell_others(id, id .. " has left")
end

local listener <close> = assert(net.listen(arg[1] or "127.0.0.1:8080"))
print("listening on " .. listener:address())
while true do
  coroutine.yield(syscall.wait_io_read(listener))
  local conn = assert(listener:accept())
  coroutine.yield(syscall.new(serve, conn))
end
