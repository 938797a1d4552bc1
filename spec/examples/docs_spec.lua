-- The documents: each block of Lua that is followed by a block of text is run,
-- and prints that text. What it writes to standard error comes last.

local lu = require "luaunit"
local command = require "spec.support.command"

local spec = {}

local root = os.getenv("ML_SOURCE") or "."

local function read(path)
  local file <close> = assert(io.open(root .. "/" .. path))
  return file:read("a")
end

-- The fenced blocks: { language =, text =, line =, gap = }, where `gap` is what
-- stands between it and the block before.
local function blocks_of(document)
  local blocks, at = {}, 1
  for gap, language, text, stop in document:gmatch(
    "(.-)\n```(%w*)\n(.-)```()") do
    local before = document:sub(1, at) .. gap
    blocks[#blocks + 1] = {
      language = language, text = text, gap = gap,
      line = select(2, before:gsub("\n", "")) + 2,
    }
    at = stop
  end
  return blocks
end

-- The command, for a shell that has gone to another directory.
local function absolute(path)
  return path:match("^/") and path or os.getenv("PWD") .. "/" .. path
end

-- What the script prints, run with options of the command, where it can be
-- called script.lua.
local function output_of(text, options)
  local dir = os.tmpname()
  os.remove(dir)
  assert(os.execute("mkdir " .. dir))
  command.write_file(dir .. "/script.lua", text)
  local words = { table.unpack(options) }
  table.insert(words, "script.lua")
  local result = command.run(words, {
    command = absolute(command.path()), shell = "cd " .. dir,
  })
  os.execute("rm -r " .. dir)
  return result.out .. result.err
end

-- Runs the blocks of a document that have their output behind them, with
-- options of the command; how many.
local function check(path, options)
  local blocks = blocks_of(read(path))
  local checked = 0
  for i, block in ipairs(blocks) do
    local output = blocks[i + 1]
    if block.language == "lua" and output and output.language == "text" then
      lu.assertStrMatches(output.gap, "[%s]*")
      lu.assertEquals(output_of(block.text, options or {}), output.text,
        ("%s:%d"):format(path, block.line))
      checked = checked + 1
    elseif block.language == "lua" then
      assert(load(block.text, ("=%s:%d"):format(path, block.line)))
    end
  end
  return checked
end

function spec.test_what_the_readme_shows_is_true()
  lu.assertTrue(check("README.md") >= 5)
end

function spec.test_what_the_manual_shows_is_true()
  lu.assertTrue(check("docs/manual.md") >= 5)
end

-- C5.1, C5.2, C5.3, C5.4, C5.5, C5.6, C5.7, C5.8, C5.9, C5.10, C6.1, C6.2, C6.3
function spec.test_what_the_guide_shows_is_true()
  lu.assertEquals(check("docs/guide.md", { "--virtual-time" }), 21)
end

function spec.test_what_is_shown_of_the_client_is_true()
  lu.assertEquals(check("docs/client.md"), 5)
end

function spec.test_what_the_guide_to_the_server_shows_is_true()
  lu.assertEquals(check("docs/server.md"), 9)
end

function spec.test_what_is_shown_of_websockets_is_true()
  lu.assertEquals(check("docs/websockets.md"), 4)
end

-- A manual that leaves something out is no reference.
function spec.test_the_manual_has_all_that_there_is()
  local manual = read("docs/manual.md")
  for _, name in ipairs { "ml", "net", "syscall", "websocket", "base64" } do
    local module = require("miniloop" .. (name ~= "ml" and "." .. name or ""))
    for field in pairs(module) do
      lu.assertStrContains(manual, ("`%s.%s("):format(name, field))
    end
  end
  for _, name in ipairs { "gzip", "json", "url" } do
    for field, value in pairs(require("miniloop." .. name)) do
      if type(value) == "function" then
        lu.assertStrContains(manual, ("`%s.%s("):format(name, field))
      end
    end
  end
end

-- A newcomer reads it in one sitting.
function spec.test_the_readme_is_short()
  local _, lines = read("README.md"):gsub("\n", "")
  lu.assertTrue(lines < 200)
end

return spec
