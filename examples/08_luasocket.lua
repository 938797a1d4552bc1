-- Sockets of another library: a server made of LuaSocket alone.
--
--   ./dev run examples/08_luasocket.lua [HOST [PORT]]
--
-- needs LuaSocket (of Debian: apt install lua-socket). HOST is 127.0.0.1 and
-- PORT 8080 unless given; port 0 takes a free one. Each line that a client
-- sends comes back in capitals. Try `nc 127.0.0.1 8080`; Ctrl-C ends it.
--
-- Anything that has a descriptor can be waited for. The socket must not block
-- (settimeout(0)); where it would, it says "timeout", and the task waits.

local ml = require "miniloop"

local found, socket = pcall(require, "socket")
if not found then
  io.stderr:write("This example needs LuaSocket: apt install lua-socket\n")
  os.exit(1)
end

io.stdout:setvbuf "line"

local function receive_line(sock)
  local line, problem, part
  repeat
    line, problem, part = sock:receive("*l", part)
    if problem == "timeout" then
      coroutine.yield(syscall.wait_io_read(sock))
    end
  until problem ~= "timeout"
  return line
end

local function send(sock, text)
  local from = 1
  while true do
    local ok, problem, last = sock:send(text, from)
    if problem ~= "timeout" then
      return ok
    end
    from = last + 1
    coroutine.yield(syscall.wait_io_write(sock))
  end
end

-- ml.close tells the loop, and then calls the socket's own close.
local function serve(sock)
  local _ <close> = setmetatable({}, { __close = function()
    ml.close(sock)
  end })
  sock:settimeout(0)
  for line in receive_line, sock do
    if not send(sock, line:upper() .. "\n") then
      break
    end
  end
end

local listener = assert(socket.bind(arg[1] or "127.0.0.1", arg[2] or 8080))
listener:settimeout(0)
print(("listening on %s:%d"):format(listener:getsockname()))
while true do
  coroutine.yield(syscall.wait_io_read(listener))
  local sock = listener:accept()
  if sock then
    coroutine.yield(syscall.new(serve, sock))
  end
end
