-- What a test left behind: open descriptors, live tasks.

local lfs = require "lfs"
local ml = require "miniloop"

local leftovers = {}

local fd_dir = "/proc/self/fd"
local has_fd_dir = lfs.attributes(fd_dir, "mode") == "directory"

-- What the loop makes for itself when it first needs it, and keeps: each is
-- excused once in a run.
local excused = {
  ["anon_inode:[eventpoll]"] = true,
  ["anon_inode:[eventfd]"] = true,
}

-- descriptor -> what it refers to; empty where the system does not tell
local function descriptors()
  local open = {}
  if not has_fd_dir then
    return open
  end
  for name in lfs.dir(fd_dir) do
    local target = tonumber(name)
      and lfs.symlinkattributes(fd_dir .. "/" .. name, "target")
    -- The one that reads the directory shows itself, too.
    if target and not target:match("^/proc/%d+/fd$") then
      open[name] = target
    end
  end
  return open
end

local list_tasks = rawget(ml, "tasks") or function()
  return {}
end

-- id -> true
local function tasks()
  local alive = {}
  for _, task in ipairs(list_tasks()) do
    alive[task.id] = true
  end
  return alive
end

function leftovers.snapshot()
  return { descriptors = descriptors(), tasks = tasks() }
end

local function difference(before)
  local list = {}
  local now = descriptors()
  for fd, target in pairs(now) do
    if before.descriptors[fd] ~= target and not excused[target] then
      list[#list + 1] = ("descriptor %s (%s)"):format(fd, target)
    end
  end
  for fd, target in pairs(before.descriptors) do
    if not now[fd] then
      list[#list + 1] = ("descriptor %s (%s) closed"):format(fd, target)
    end
  end
  for id in pairs(tasks()) do
    if not before.tasks[id] then
      list[#list + 1] = ("task %d"):format(id)
    end
  end
  return list, now
end

-- nil, or a line that names what there is now and was not before. What is
-- about to go by itself (garbage, a task that was just killed, a worker
-- thread's last word) gets a second for it.
function leftovers.since(before)
  collectgarbage()
  local list, now = difference(before)
  local deadline = ml.now() + 1
  while #list > 0 and ml.now() < deadline do
    ml.sleep(0.01)
    collectgarbage()
    list, now = difference(before)
  end
  for fd, target in pairs(now) do
    if excused[target] and not before.descriptors[fd] then
      excused[target] = nil
    end
  end
  return #list > 0 and table.concat(list, ", ") or nil
end

return leftovers
