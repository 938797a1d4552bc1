-- A small program that leaves nothing out, for fault.c: timers, a round of TCP
-- with several clients, an error that is caught, and closing.
--
-- It is the same for all; each does it as its users would.

os.getenv "PEERS_BEGIN"

local ml = require "miniloop"
local net = require "miniloop.net"

local ticks = 0
local replies = 0

local function serve(conn)
  for line in conn:lines() do
    assert(conn:write("got ", line, "\n"))
  end
end

local function ask(address, word)
  local conn <close> = assert(net.connect(address))
  assert(conn:write(word, "\n"))
  assert(assert(conn:read()) == "got " .. word)
  replies = replies + 1
end

local function tick(i)
  ml.sleep(i / 1000)
  ticks = ticks + 1
end

local function main()
  local server <close> = assert(net.serve("127.0.0.1:0", serve))
  ml.group(function(g)
    for i = 1, 3 do
      g:spawn(tick, i)
      g:spawn(ask, server:address(), "word " .. i)
    end
  end)
  assert(not pcall(ml.group, function(g)
    g:spawn(error, "a task raises")
  end))
end

local ok, err = pcall(ml.run, main)
os.getenv "PEERS_END"
assert(ok, err)
assert(replies == 3 and ticks == 3, "wrong")
print "right"
