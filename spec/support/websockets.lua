-- WebSockets whose peer is the spec itself: one end of a pair of streams is a
-- WebSocket, on the other one frames are written and read by hand.

local connection = require "miniloop.websocket.connection"
local frames = require "spec.support.frames"
local net = require "miniloop.net"
local options_of = require "miniloop.websocket.options"
local packing = require "miniloop.websocket.packing"

local websockets = {}

-- Two ends of a TCP connection.
function websockets.tcp()
  local listener <close> = assert(net.listen "127.0.0.1:0")
  local far = assert(net.connect(listener:address()))
  return assert(listener:accept()), far
end

-- A WebSocket and the stream of its peer. `role`: what the WebSocket is,
-- "server" (unless given) or "client". `agreement`: on packing.
function websockets.pair(options, role, make, agreement)
  options = options or {}
  local near, far = (make or net.pair)()
  local client = role == "client"
  local messages = assert(options_of.messages(client, options))
  local pack = agreement and packing.new(agreement, options_of.deflate(options),
    options_of.maxmessage(options))
  return connection.new(near, client, messages, options, pack), far
end

-- Two WebSockets that are each other's peers: a server's and a client's end.
function websockets.both(options, agreement)
  local near, far
  local function pair()
    near, far = net.pair()
    return near, far
  end
  local server = websockets.pair(options, "server", pair, agreement)
  return server, (websockets.pair(options, "client", function()
    return far, near
  end, agreement))
end

local key = "\x37\xfa\x21\x3d"

-- A frame of a client, which is masked; otherwise as frames.make.
function websockets.masked(opcode, data, options)
  local own = { mask = key }
  for name, value in pairs(options or {}) do
    own[name] = value
  end
  return frames.make(opcode, data, own)
end

return websockets
