-- Slow clients: hundreds of connections that send a byte a second, half of them
-- of a head and half of a body, while one client asks as others do. Prints when
-- they were cut and how, what each has cost in memory, and how long the normal
-- client had to wait.
--
--   ./dev torture slow [CLIENTS [BYTES_A_SECOND]]
--
-- It ends with status 1 if one was not cut, or the normal client's p99 is over
-- 100 ms.

package.path = "?.lua;" .. package.path

local ml = require "miniloop"
local net = require "miniloop.net"
local process = require "spec.torture.lib.process"
local verdict = require "spec.torture.lib.verdict"
local visit = require "spec.torture.lib.visitor"
local words = require "spec.torture.lib.words"

local clients = words.count(arg[1], "CLIENTS", 500)
local rate = words.count(arg[2], "BYTES_A_SECOND", 1)
local patience = 60 -- seconds; the limits are 10 and 30

local server <close> = process.start(
  process.miniloop .. " spec/torture/slow_server.lua")
local address = server:line()

-- ----------------------------------------------------------------- the clients

local head = "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: " .. ("a"):rep(1000)
local body = ("b"):rep(1000)

local cut = {} -- status -> count
local last = 0 -- when the last one was cut
local start = ml.now()

local function drip(conn, text)
  for byte in text:gmatch(".") do
    if not conn:write(byte) then
      return
    end
    ml.sleep(1 / rate)
  end
end

-- One of them: the status that it was given, or why it was cut.
local function slow(i)
  local conn <close> = assert(net.connect(address))
  local text = head
  if i % 2 == 0 then
    conn:write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
    text = body
  end
  local dripping = ml.spawn(drip, conn, text)
  local line, err = conn:read("l")
  dripping:kill()
  last = math.max(last, ml.now() - start)
  local status = line and line:match(" (%d+) ") or err and err.code or "closed"
  cut[status] = (cut[status] or 0) + 1
end

-- --------------------------------------------------------------------- the run

local function run()
  local before, held = server:memory(), 0
  local times
  ml.group(function(g)
    local asking = g:spawn(function()
      local count = 0
      times = visit(address, function()
        count = 0
        for _, n in pairs(cut) do
          count = count + n
        end
        return count == clients or ml.now() - start > patience
      end)
    end)
    for i = 1, clients do
      g:spawn(slow, i)
    end
    ml.sleep(5)
    held = server:memory() - before
    asking:wait()
    g:cancel("it is over")
  end)
  return times, held
end

local times, held = run()

local total = 0
for status, count in pairs(cut) do
  print(("%d of %d clients were cut with %s"):format(count, clients, status))
  total = total + count
end
print(("the last one after %.1f s"):format(last))
print(("memory for each: %.0f bytes"):format(held * 1024 / clients))
verdict.holds(total == clients, ("%d of %d were cut"):format(total, clients))
verdict.times("a normal client waited", times, 100)
verdict.finish()
