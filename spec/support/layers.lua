-- Holds the rule of the layers, see ARCHITECTURE.md: a file under runtime/
-- includes its own layer and the ones below, by path ("poll/poll.h"). What
-- stands below core knows nothing of Lua or of the public header.
--
-- Run it from the top of the tree: lua5.4 spec/support/layers.lua

local order = {
  "base", "poll", "net", "proto", "core", "sys", "lib", "api", "cli",
}
local height = {}
for i, layer in ipairs(order) do
  height[layer] = i
end

-- Headers without a path, and the lowest layer that may see them.
local lowest = {
  ["ml_config.h"] = "core",
  ["miniloop.h"] = "core",
  ["lua.h"] = "core",
  ["lauxlib.h"] = "core",
  ["lualib.h"] = "core",
}

-- nil when a file of `layer` may include `header`, else the reason why not.
local function refusal(layer, header, quoted)
  local target = header:match("^([^/]+)/")
  if lowest[header] then
    if height[layer] < height[lowest[header]] then
      return ("%s is for %s and above"):format(header, lowest[header])
    end
  elseif not quoted then
    return nil -- of the system
  elseif not target then
    return ("%q needs its path, as in \"core/loop.h\""):format(header)
  elseif not height[target] then
    return ("%s is no layer"):format(target)
  elseif height[target] > height[layer] then
    return ("%s may not look up to %s"):format(layer, target)
  end
  return nil
end

-- Calls report(number, reason) for each include of the file that is refused.
local function check(path, layer, report)
  local number = 0
  for line in io.lines(path) do
    number = number + 1
    local mark, header = line:match('^%s*#%s*include%s*([<"])([^>"]+)')
    local reason = mark and refusal(layer, header, mark == '"')
    if reason then
      report(number, reason)
    end
  end
end

local files, faults = 0, 0
local list <close> = assert(io.popen("find runtime -name '*.[ch]' | sort"))
for path in list:lines() do
  local layer = path:match("^runtime/([^/]+)/")
  if height[layer] then
    files = files + 1
    check(path, layer, function(number, reason)
      faults = faults + 1
      print(("%s:%d: %s"):format(path, number, reason))
    end)
  elseif layer ~= "include" then
    faults = faults + 1
    print(path .. ": in no layer")
  end
end
print(("%d files, %d faults"):format(files, faults))
os.exit(files > 0 and faults == 0)
