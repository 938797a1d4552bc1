-- Values handed over: channel.lua N TASKS. Half of the tasks send, the others
-- receive, each two by a channel of their own; N values in all.
local ml = require "miniloop"
local mark = require "bench.lib.mark"

local n, tasks = math.tointeger(arg[1]), math.tointeger(arg[2])
local pairs_of_tasks = tasks // 2
local each, sum, begun = n // pairs_of_tasks, 0, ml.event()

local function send(channel)
  begun:wait()
  for _ = 1, each do
    channel:send(1)
  end
end

local function receive(channel)
  local own = 0
  for _ = 1, each do
    own = own + channel:recv()
  end
  sum = sum + own
end

ml.group(function(group)
  for _ = 1, pairs_of_tasks do
    local channel = ml.channel()
    group:spawn(send, channel)
    group:spawn(receive, channel)
  end
  ml.yield() -- all of them wait
  mark "start"
  begun:set()
end)
mark "stop"
print("count=" .. sum)
