-- A server that may have 24 descriptors and gets 40 clients: it must not spin
-- while there is none left, and serve those that wait when others have gone.
--
--   ./dev torture descriptors [SERVER COMMAND]
--
-- The server prints its address and echoes; ours unless another one is given.

package.path = "?.lua;" .. package.path

local ml = require "miniloop"
local net = require "miniloop.net"
local process = require "spec.torture.lib.process"
local verdict = require "spec.torture.lib.verdict"

local CLIENTS = 40
local LEAVE = 20

local command = #arg > 0 and table.concat(arg, " ")
  or process.miniloop .. " spec/torture/echo_server.lua"
local server <close> = process.start(command, "ulimit -n 24")
local address = server:line()

-- Asks, and waits for the answer so long: true if it came.
local function ask(conn, seconds)
  return conn:write("x") and conn:recv(1, seconds) == "x"
end

local clients, served = {}, {}
for i = 1, CLIENTS do
  clients[i] = assert(net.connect(address))
end
ml.map(clients, function(conn)
  served[conn] = ask(conn, 1)
end)

local cpu = server:cpu()
ml.sleep(3)
if not server:alive() then
  verdict.holds(false, "the server died")
  verdict.finish()
end
verdict.at_most("CPU in 3 s without a descriptor", server:cpu() - cpu, 0.1, "s")

local waiting, gone = {}, 0
for _, conn in ipairs(clients) do
  if not served[conn] then
    table.insert(waiting, conn)
  elseif gone < LEAVE then
    conn:close()
    gone = gone + 1
  end
end
print(("served %d of %d, then %d of them left"):format(CLIENTS - #waiting,
  CLIENTS, gone))
local start, last, recovered = ml.now(), 0, 0
ml.map(waiting, function(conn) -- which have asked, and have no answer yet
  if conn:recv(1, 5) == "x" then
    recovered = recovered + 1
    last = math.max(last, ml.now() - start)
  end
end)
local expected = math.min(#waiting, gone)
verdict.at_least("of those that waited were served", recovered, expected, "")
verdict.at_most("the last of them after", last, 1, "s")
verdict.finish()
