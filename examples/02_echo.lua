-- An echo server, made of raw requests: new, id and wait_io_read.
--
--   ./dev run examples/02_echo.lua [ADDRESS]
--
-- ADDRESS is 127.0.0.1:8080 unless given; port 0 takes a free one. Talk to it
-- with `nc 127.0.0.1 8080`, from as many terminals as you like. Each line is
-- printed with the id of the task that serves the client,
--
--   2: hello
--
-- and the client is told
--
--   Server Got Your Message: "hello"
--
-- Ctrl-C ends it.

local net = require "miniloop.net"

io.stdout:setvbuf "line"

local function serve(client)
  local conn <close> = client
  local id = coroutine.yield(syscall.id())
  while true do
    coroutine.yield(syscall.wait_io_read(conn))
    local line = conn:read()
    if not line then
      break -- the client has left
    end
    print(id .. ": " .. line)
    conn:write('Server Got Your Message: "', line, '"\n')
  end
end

local listener <close> = assert(net.listen(arg[1] or "127.0.0.1:8080"))
print("listening on " .. listener:address())
while true do
  coroutine.yield(syscall.wait_io_read(listener))
  local conn = assert(listener:accept())
  coroutine.yield(syscall.new(serve, conn))
end
