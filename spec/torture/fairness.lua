-- Two listeners, one of them flooded by another process: how long a connection
-- to the other one waits to be accepted.
--
--   ./dev torture fairness [SECONDS]

package.path = "?.lua;" .. package.path

local ml = require "miniloop"
local net = require "miniloop.net"
local process = require "spec.torture.lib.process"
local verdict = require "spec.torture.lib.verdict"
local words = require "spec.torture.lib.words"

local AT_ONCE = 64
local LIMIT = 50 -- milliseconds
local seconds = words.count(arg[1], "SECONDS", 5)

-- The other process: connects, and resets at once, for ever.
local function flood(address)
  for _ = 1, AT_ONCE do
    ml.spawn(function()
      while true do
        local conn = net.connect(address)
        if conn then
          conn:setoption("linger", 0)
          conn:close()
        end
      end
    end)
  end
end

if arg[1] == "flood" then
  return flood(arg[2])
end

local flooded = assert(net.listen("127.0.0.1:0", { backlog = 4096 }))
local quiet = assert(net.listen("127.0.0.1:0"))
local taken, begun, times = 0, nil, {}

local function accept_all(listener, note)
  while true do
    local conn = listener:accept()
    if conn then
      note()
      conn:close()
    end
  end
end

ml.group(function(g)
  g:spawn(accept_all, flooded, function()
    taken = taken + 1
  end)
  g:spawn(accept_all, quiet, function()
    times[#times + 1] = ml.now() - begun
  end)
  local other <close> = process.start(("%s spec/torture/fairness.lua flood %s")
    :format(process.miniloop, flooded:address()))
  assert(other.pid)
  local stop = ml.now() + seconds
  while ml.now() < stop do
    begun = ml.now()
    local conn <close> = assert(net.connect(quiet:address()))
    conn:recv(1, 1)
    ml.sleep(0.005)
  end
  g:cancel("it is over", { grace = 0 })
end)
verdict.at_least("connections of the flood a second", taken / seconds, 1000, "")
verdict.times("a connection to the quiet listener was accepted after", times,
  LIMIT)
verdict.finish()
