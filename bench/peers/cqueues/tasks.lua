local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local run = require "bench.peers.lua.tasks"

local controller = cqueues.new()
local never = condition.new()
local peer = { sleep = cqueues.sleep, clock = cqueues.monotime }

function peer.spawn(f)
  controller:wrap(f)
end

function peer.yield()
  cqueues.sleep(0)
end

function peer.park()
  never:wait()
end

function peer.quit()
  os.exit(0)
end

controller:wrap(function()
  run(peer, arg)
end)
assert(controller:loop())
