-- Commands of the system, for specs that look at a build from outside.

local lu = require "luaunit"

local shell = {}

-- The word as the shell takes it literally.
function shell.quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- Runs a command line: all that it wrote, then whether it ended well.
function shell.try(line)
  local pipe <close> = assert(io.popen("{ " .. line .. "\n} 2>&1"))
  local output = pipe:read("a")
  return output, (pipe:close())
end

-- As shell.try, for what must end well: its output.
function shell.run(line)
  local output, ok = shell.try(line)
  if not ok then
    lu.fail(("failed: %s\n%s"):format(line, output))
  end
  return output
end

local found = {} -- tool -> whether it is there

-- Skips the test if one of the tools is not there.
function shell.need(...)
  for _, tool in ipairs { ... } do
    if found[tool] == nil then
      local _, there = shell.try("command -v " .. shell.quote(tool))
      found[tool] = there == true
    end
    lu.skipIf(not found[tool], "there is no " .. tool)
  end
end

-- What ctest tells of the build under test (spec/CMakeLists.txt); skips the
-- test if it was not ctest that started it.
function shell.build(name)
  local value = os.getenv(name)
  lu.skipIf(not value, name .. " is not set: run it by ctest")
  return value
end

return shell
