local copas = require "copas"
local socket = require "socket"
local run = require "bench.peers.lua.tasks"

if not copas.sleep then
  io.stderr:write(copas._VERSION, " has no sleep\n") -- that of Debian 12
  os.exit(1)
end

local peer = { spawn = copas.addthread, clock = socket.gettime }

function peer.sleep(seconds)
  copas.sleep(seconds)
end

function peer.yield()
  copas.sleep(0)
end

function peer.park()
  copas.sleep(-1) -- until it is woken
end

function peer.quit()
  os.exit(0)
end

copas.addthread(function()
  run(peer, arg)
end)
copas.loop()
