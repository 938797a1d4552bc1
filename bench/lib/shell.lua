-- Commands for the shell, and what they print.

local shell = {}

---The word as one argument of a shell command.
---@param word string
---@return string
function shell.quote(word)
  if word:match("^[%w%-_./=:,{}]+$") then
    return word
  end
  return "'" .. word:gsub("'", [['\'']]) .. "'"
end

---@param words string[]
---@return string
function shell.join(words)
  local quoted = {}
  for i, word in ipairs(words) do
    quoted[i] = shell.quote(word)
  end
  return table.concat(quoted, " ")
end

---Runs a command: true when it ended well, and what it wrote to its standard
---output, without the last newline.
---@param command string
---@return boolean
---@return string
function shell.run(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  return pipe:close() == true, (text:gsub("\n$", ""))
end

---The first line that a command prints, or nil if it fails or prints none.
---@param command string
---@return string?
function shell.line(command)
  local good, text = shell.run("{ " .. command .. "; } 2>/dev/null </dev/null")
  local line = text:match("[^\n]+")
  return good and line or nil
end

---The whole of a file, or nil.
---@param path string
---@return string?
function shell.read(path)
  local file <close> = io.open(path)
  return file and file:read("a")
end

---@param path string
---@param text string
function shell.write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

return shell
