-- Folders that a run of the specs makes, and removes when it ends.

local lfs = require "lfs"

local scratch = {}

local folders = {} -- those that this process is to remove

-- The path of a new folder.
function scratch.folder()
  local path = os.tmpname()
  os.remove(path)
  assert(lfs.mkdir(path))
  folders[path] = true
  return path
end

-- Removes the folders of this process.
function scratch.remove()
  for path in pairs(folders) do
    os.execute("rm -rf " .. path)
  end
  folders = {}
end

-- For a copy of the process: the folders until now are the original's.
function scratch.disown()
  folders = {}
end

return setmetatable(scratch, { __gc = scratch.remove })
