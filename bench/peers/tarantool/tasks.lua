local fiber = require "fiber"
local clock = require "clock"
local run = require "bench.peers.lua.tasks"

local peer = {
  spawn = fiber.create, yield = fiber.yield, sleep = fiber.sleep,
  clock = clock.monotonic,
}

function peer.park()
  fiber.sleep(1e6)
end

function peer.quit()
  os.exit(0)
end

run(peer, arg)
fiber.sleep(1e6) -- until the last task has quit
