-- The server of soak.lua. The first byte of a connection says what it is to do.

local ml = require "miniloop"
local net = require "miniloop.net"

io.stdout:setvbuf "line"

local IDLE = 0.005 -- seconds, for those who are silent
local plenty = ("0123456789abcdef"):rep(4096)

local function send_plenty(conn)
  conn:setoption("sndbuf", #plenty // 2) -- so that it has to wait soon
  while conn:write(plenty) do
    ml.yield()
  end
end

local acts = {}

-- Echo, until the peer ends it in whichever way.
function acts.e(conn)
  local bytes
  repeat
    bytes = conn:recv()
  until not bytes or not conn:write(bytes)
end

-- More than anybody wants: who has enough goes away in the middle.
acts.p = send_plenty

-- The same, but here it is this task that does not live to its end.
function acts.k(conn)
  local task = ml.self()
  ml.detach(function()
    ml.yield()
    task:kill()
  end)
  send_plenty(conn)
end

-- Waits for what does not come.
function acts.s(conn)
  local _, err = conn:recv(nil, IDLE)
  return err and err.code == "ETIMEDOUT"
end

-- The same by a block.
function acts.t(conn)
  ml.timeout(IDLE, conn.recv, conn)
end

-- How it stands: tasks but this one, and KiB of Lua.
acts["?"] = function(conn)
  collectgarbage()
  collectgarbage()
  conn:write(("%d %.0f\n"):format(#ml.tasks() - 1, collectgarbage "count"))
end

local server = assert(net.serve("0.0.0.0:0", function(conn)
  local act = conn:recv(1, 30)
  if act then
    acts[act](conn)
  end
end, { backlog = 4096 }))
print(server:address():match("%d+$"))
