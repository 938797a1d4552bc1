-- os.exit with a boolean, and the state closed.

_G.Kept = setmetatable({}, { __gc = function() print "finalized" end })
print "before"
os.exit(false, true)
