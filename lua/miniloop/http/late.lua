---Answers that wait. One is not sent while another request was read already, so
---that those of a pipeline go out together. But the next handler may take its
---time: so a task sends in the next round what is still there.
local late = {}

local core = require "miniloop.core"

-- Who waits for an answer that cannot be sent is told so by the end.
local function deliver(wire)
  if not wire:flush() then
    wire:sever()
  end
end

local function send_late(site)
  local wires = site.late
  site.late = {}
  for _, wire in ipairs(wires) do
    -- A client that takes its time has a task of its own; if there is no memory
    -- for it, the answer goes out with the next that is late.
    if not wire:push() and not pcall(core.spawn, deliver, wire) then
      table.insert(site.late, wire)
    end
  end
end

---Leaves what a wire has to send to the next round, or to its next answer.
---@param site miniloop.http.site
---@param wire userdata
function late.hold_back(site, wire)
  local wires, sender = site.late, site.sender
  wires[#wires + 1] = wire
  -- A task that did not come to it, for it was killed before or had no memory
  -- to begin with, must not keep all other answers back: so it is looked at.
  if not sender or sender:status() ~= "ready" then
    site.sender = core.spawn(send_late, site)
  end
end

return late
