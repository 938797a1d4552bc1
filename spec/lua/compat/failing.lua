-- A script that dies: its output, and status 1.

print "before"
_G.Kept = setmetatable({}, { __gc = function() print "finalized" end })
local function f()
  error { code = 7 }
end
f()
