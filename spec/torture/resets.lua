-- Connections that are reset as soon as they are there: the server must serve
-- on, with the descriptors that it had.
--
--   ./dev torture resets [CONNECTIONS [SERVER COMMAND]]
--
-- The server prints its address and echoes; ours unless another one is given.

package.path = "?.lua;" .. package.path

local ml = require "miniloop"
local net = require "miniloop.net"
local process = require "spec.torture.lib.process"
local verdict = require "spec.torture.lib.verdict"
local words = require "spec.torture.lib.words"

local AT_ONCE = 50
local A_SECOND = 5000 -- as many at least

local connections = words.count(arg[1], "CONNECTIONS", 90000)
local command = #arg > 1 and table.concat(arg, " ", 2)
  or process.miniloop .. " --poller=epoll spec/torture/echo_server.lua"
local server <close> = process.start(command)
local address = server:line()

-- A connection, reset when it has sent this, or at once.
local function reset(bytes)
  local conn, err = net.connect(address)
  if not conn then
    return err
  end
  if bytes then
    conn:write(bytes)
  end
  conn:setoption("linger", 0)
  conn:close()
  return nil
end

local function serves()
  local conn <close> = net.connect(address)
  return conn and conn:write("hello") and conn:read(5) == "hello"
end

-- So many of them, a few at once; how many failed.
local function storm(left)
  local refused = 0
  ml.group(function(g)
    for _ = 1, AT_ONCE do
      g:spawn(function()
        while left > 0 and refused == 0 do
          left = left - 1
          if reset(left % 2 == 0 and "x" or nil) then
            refused = refused + 1
          end
        end
      end)
    end
  end)
  return refused
end

assert(serves())
storm(1000) -- what the server makes at its first crowd, it may keep
ml.sleep(0.2)
local open = server:alive() and server:descriptors()
local cpu, start = open and server:cpu(), ml.now()
local refused = storm(connections)
local seconds = ml.now() - start
if not server:alive() then
  verdict.holds(false, "the server died")
  verdict.finish()
end
verdict.holds(refused == 0 and serves(),
  ("the server serves on after %d resets"):format(connections))
verdict.at_least("connections a second", connections / seconds, A_SECOND, "")
print(("CPU of the server: %.1f µs each"):format(
  (server:cpu() - cpu) / connections * 1e6))
ml.sleep(0.2)
verdict.at_most("descriptors kept", server:descriptors() - open, 0, "")
verdict.finish()
