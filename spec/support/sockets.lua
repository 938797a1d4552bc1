-- Connected TCP sockets of LuaSocket: descriptors that miniloop did not open.

local socket = require "socket"

local sockets = {}

local function pair(listener)
  local address, port = listener:getsockname()
  local a = assert(socket.connect(address, port))
  local b = assert(listener:accept())
  a:settimeout(0)
  b:settimeout(0)
  return a, b
end

-- Two ends of one connection. With a listener of the caller's, the first of
-- them is the next descriptor that the process opens.
function sockets.pair(listener)
  if listener then
    return pair(listener)
  end
  listener = assert(socket.bind("127.0.0.1", 0))
  local a, b = pair(listener)
  listener:close()
  return a, b
end

-- A list of `n` connections, each { near =, far = }.
function sockets.pairs(n)
  local listener = assert(socket.bind("127.0.0.1", 0))
  local list = {}
  for i = 1, n do
    local near, far = pair(listener)
    list[i] = { near = near, far = far }
  end
  listener:close()
  return list
end

return sockets
