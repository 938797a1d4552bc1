---The runtime as scripts see it: tasks, time, and the calls that block.
---
---What is made in C is documented, with its types, in lua/meta/miniloop.lua.
---@class miniloop
local ml = {}

local core = require "miniloop.core"

for _, name in ipairs {
  "cancel", "close", "event", "forget", "id", "iserror", "kill", "new", "now",
  "perform", "run", "self", "sleep", "spawn", "wait", "wait_io_read",
  "wait_io_write", "yield",
} do
  ml[name] = core[name]
end

return setmetatable(ml, {
  __index = function(_, key)
    local _, message = pcall(core.unknown, "miniloop", key, ml)
    error(message, 2) -- at the line that has the slip
  end,
})
