-- luv has callbacks: a task is a coroutine that one of them resumes. Giving way
-- is a turn of the loop, for which an idle handle of the task stays active.
local uv = require "luv"
local run = require "bench.peers.lua.tasks"

local idle_of = {}

local function resume(co)
  assert(coroutine.resume(co))
end

local peer = {}

function peer.spawn(f)
  local co = coroutine.create(function()
    f()
    local idle = idle_of[coroutine.running()]
    if idle then
      idle:close()
    end
  end)
  resume(co)
end

function peer.yield()
  local co = coroutine.running()
  if not idle_of[co] then
    idle_of[co] = uv.new_idle()
    idle_of[co]:start(function()
      resume(co)
    end)
  end
  coroutine.yield()
end

-- Its timers count milliseconds.
function peer.sleep(seconds)
  local co, timer = coroutine.running(), uv.new_timer()
  timer:start(math.ceil(seconds * 1000), 0, function()
    timer:close()
    resume(co)
  end)
  coroutine.yield()
end

local parked = {}

function peer.park()
  parked[#parked + 1] = coroutine.running()
  coroutine.yield()
end

function peer.clock()
  return uv.hrtime() / 1e9
end

function peer.quit()
  os.exit(0)
end

peer.spawn(function()
  run(peer, arg)
end)
uv.run()
