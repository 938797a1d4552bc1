-- The lists of what is not reached, spec/coverage/LAYER.txt: paragraphs, each a
-- reason and below it, indented, the places that it is given for.
--
--   The kernel has always room for a number that it has just given back.
--     watch.c watch_add: never true: error == -ENOSPC
--
-- "Sometimes: " before a reason says that another run may well reach the place.

local list = {}

---The reason of those that nobody has given one.
list.NONE = "Why?"

local SOMETIMES = "^Sometimes: "

---How a gap is written.
---@param file string below its layer's folder
---@param gap table
---@return string
function list.name(file, gap)
  local text = gap.text and ": " .. gap.text or ""
  return ("%s %s: %s%s"):format(file, gap.place, gap.what, text)
end

---Reads a list.
---@param path string need not exist
---@return table[] paragraphs `reason`, `sometimes`, and the names in order
function list.read(path)
  local paragraphs = {}
  local file = io.open(path)
  if not file then
    return paragraphs
  end
  local current
  for line in file:lines() do
    local name = line:match("^  (.*)$")
    if name then
      table.insert(current, name)
    elseif line ~= "" then
      if not current or #current > 0 then
        current = { reason = line }
        table.insert(paragraphs, current)
      else
        current.reason = current.reason .. "\n" .. line
      end
      current.sometimes = current.reason:find(SOMETIMES) ~= nil
    end
  end
  file:close()
  return paragraphs
end

---Writes one, without the paragraphs that have no names; removes the file when
---none is left.
---@param path string
---@param paragraphs table[]
function list.write(path, paragraphs)
  local parts = {}
  for _, paragraph in ipairs(paragraphs) do
    if #paragraph > 0 then
      table.insert(parts, ("%s\n  %s\n"):format(paragraph.reason,
        table.concat(paragraph, "\n  ")))
    end
  end
  if #parts == 0 then
    os.remove(path)
    return
  end
  local file <close> = assert(io.open(path, "w"))
  file:write(table.concat(parts, "\n"))
end

-- Takes out the names that are reached now, and counts them.
local function drop_reached(paragraphs, wanted, report)
  local known = {}
  for _, paragraph in ipairs(paragraphs) do
    for i = #paragraph, 1, -1 do
      local name = paragraph[i]
      known[name] = true
      if not wanted[name] and not paragraph.sometimes then
        report("reached now", name)
        table.remove(paragraph, i)
      end
    end
  end
  return known
end

local function reasonless(paragraphs)
  for _, paragraph in ipairs(paragraphs) do
    if paragraph.reason == list.NONE then
      return paragraph
    end
  end
  local new = { reason = list.NONE }
  table.insert(paragraphs, new)
  return new
end

---Brings a list up to date, and reports in what it was not: "reached now",
---"not reached" (with the line), "without a reason".
---@param paragraphs table[] changed
---@param names string[] what is not reached, in order
---@param report fun(what: string, name: string)
function list.compare(paragraphs, names, report)
  local wanted = {}
  for _, name in ipairs(names) do
    wanted[name] = true
  end
  local known = drop_reached(paragraphs, wanted, report)
  local open = reasonless(paragraphs)
  for _, name in ipairs(open) do
    report("without a reason", name)
  end
  for _, name in ipairs(names) do
    if not known[name] then
      report("not reached", name)
      table.insert(open, name)
    end
  end
end

return list
