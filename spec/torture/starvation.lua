-- Tasks that are always ready, and readers of what never ends, beside 50 tasks
-- that ask for an echo and wait: how long these have to wait.
--
--   ./dev torture starvation [SECONDS]

package.path = "?.lua;" .. package.path

local ml = require "miniloop"
local net = require "miniloop.net"
local verdict = require "spec.torture.lib.verdict"
local words = require "spec.torture.lib.words"

local PINGS = 50
local LIMIT = 20 -- milliseconds
local seconds = words.count(arg[1], "SECONDS", 5)

local function sleep_for_no_time()
  while true do
    ml.sleep(0)
  end
end

-- Another process writes as fast as it can.
local function read_what_never_ends()
  local pipe = assert(io.popen("exec yes"))
  local stream <close> = assert(net.stream(pipe))
  while true do
    assert(stream:recv())
  end
end

-- Both ends of it are here.
local function write_and_read_for_ever(g)
  local near, far = net.pair()
  g:spawn(function()
    local bytes = ("x"):rep(65536)
    while true do
      assert(near:write(bytes))
    end
  end)
  while true do
    assert(far:recv())
  end
end

local function echo(conn)
  while true do
    assert(conn:write(assert(conn:recv())))
  end
end

local times = {}

local function ping(conn)
  while true do
    local start = ml.now()
    assert(conn:write("x"))
    assert(conn:recv())
    times[#times + 1] = ml.now() - start
    ml.sleep(0.01)
  end
end

local count = 0
ml.group(function(g)
  g:spawn(sleep_for_no_time)
  g:spawn(read_what_never_ends)
  g:spawn(write_and_read_for_ever, g)
  for _ = 1, PINGS do
    local near, far = net.pair()
    g:spawn(echo, near)
    g:spawn(ping, far)
  end
  ml.sleep(seconds)
  count = #times
  g:cancel("it is over", { grace = 1 })
end)
verdict.at_least("echoes", count, seconds * PINGS, "")
verdict.times("an echo beside those that are always ready", times, LIMIT)
verdict.finish()
