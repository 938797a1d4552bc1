-- Which TCP ports of a host accept connections?
--
--   ./dev run examples/06_port_scanner.lua [FIRST [LAST [LIMIT [HOST]]]]
--
-- tries the ports FIRST to LAST (1 to 1024) of HOST, at most LIMIT at once
-- (100). HOST is 127.0.0.1 unless given: scan none that is not yours. With a
-- server at 631 and at no other port it prints
--
--   631
--   1024 ports, 1 open
--
-- A port that neither accepts nor refuses is printed with the reason.

local ml = require "miniloop"
local net = require "miniloop.net"

local first = tonumber(arg[1] or 1)
local last = tonumber(arg[2] or 1024)
local limit = tonumber(arg[3] or 100)
local host = arg[4] or "127.0.0.1"

-- A connection from a port to itself, which a scan may chance upon, is none.
local function is_open(port)
  local conn <close>, err = net.connect({ host = host, port = port },
    { timeout = 2 })
  if err and err.code ~= "ECONNREFUSED" then
    print(port .. " (" .. err .. ")")
  end
  return conn and conn:address() ~= conn:peer()
end

local open = {}
local port = first - 1 -- the one that was tried last

local function worker()
  while port < last do
    port = port + 1
    local mine = port
    if is_open(mine) then
      open[#open + 1] = mine
    end
  end
end

local workers = {}
for i = 1, limit do
  workers[i] = ml.spawn(worker)
end
for _, task in ipairs(workers) do
  task:join()
end
table.sort(open)
for _, number in ipairs(open) do
  print(number)
end
print(("%d ports, %d open"):format(last - first + 1, #open))
