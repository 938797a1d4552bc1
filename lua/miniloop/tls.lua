---TLS, by OpenSSL 3, which is opened when it is first needed.
---
---Streams get it by net.connect, net.listen and net.serve, or by their method
---starttls; here is what connections have in common. What is made in C is
---documented, with its types, in lua/meta/tls.lua.
---@class miniloop.tls
local tls = {}

local core = require "miniloop.core"
core.use()

for _, name in ipairs { "available", "context" } do
  tls[name] = core.tls[name]
end

return setmetatable(tls, {
  __index = function(_, key)
    error(core.unknown("miniloop.tls", key, tls), 2)
  end,
})
