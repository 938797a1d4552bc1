-- Finds what is not reached, and gives each such place a name that stays when
-- lines move: the file, the function, and the text of the source.

local gaps = {}

local function by_place(a, b)
  if a.line ~= b.line then
    return a.line < b.line
  end
  return a.column < b.column
end

local function sorted(branches)
  local list = {}
  for _, branch in pairs(branches) do
    table.insert(list, branch)
  end
  table.sort(list, by_place)
  return list
end

-- The second of two that read the same in a function is "text [2/2]".
local function number_texts(list, function_of)
  local seen = {}
  for _, each in ipairs(list) do
    each.place = function_of(each.line)
    local key = each.place .. "\0" .. each.text
    seen[key] = seen[key] or {}
    table.insert(seen[key], each)
  end
  for _, same in pairs(seen) do
    for i, each in ipairs(same) do
      each.name = #same == 1 and each.text
        or ("%s [%d/%d]"):format(each.text, i, #same)
    end
  end
end

-- The word for what a condition never did: nil when it did both. That of a
-- `case` asks only whether the case was seen.
local function missing(branch)
  if branch.yes == 0 and branch.no == 0 then
    return "never asked"
  elseif branch.yes == 0 then
    return "never true"
  elseif branch.no == 0 and not branch.is_case then
    return "never false"
  end
  return nil
end

local function add(found, place, what, text, line)
  table.insert(found, { place = place, what = what, text = text, line = line })
end

-- The lines where a condition ends that was one-sided: what follows such a line
-- and is not reached needs no mention of its own.
local function find_branches(source, found, function_of)
  local list, explained = sorted(source.branches), {}
  number_texts(list, function_of)
  for _, branch in ipairs(list) do
    local what = missing(branch)
    if what then
      explained[branch.last] = true
      if source.lines[branch.line] ~= 0 then
        add(found, branch.place, what, branch.name, branch.line)
      end
    end
  end
  return explained
end

-- Runs of lines that were not reached, each by its first one.
local function unreached_runs(source)
  local list, inside = {}, false
  for number = 1, #source.text do
    local count = source.lines[number]
    if count == 0 and not inside then
      table.insert(list, { line = number,
        text = source.text[number]:match("^%s*(.-)%s*$") })
    end
    inside = count == 0 or (inside and not count)
  end
  return list
end

local function find_lines(source, found, explained, function_of)
  local list = unreached_runs(source)
  number_texts(list, function_of)
  for _, each in ipairs(list) do
    local owner = source:function_of(each.line)
    if owner and owner.count == 0 then
      add(found, owner.name, "never called", nil, owner.first)
    elseif not explained[each.line - 1] and not explained[each.line] then
      add(found, each.place, "never run", each.name, each.line)
    end
  end
end

---All gaps of a source, in the order of its lines.
---@param source table as export.read gives it
---@return table[] gaps `place` (a function), `what`, `text`, `line`
function gaps.find(source)
  local found = {}
  local function function_of(line)
    local owner = source:function_of(line)
    return owner and owner.name or "macro"
  end
  for _, branch in pairs(source.branches) do
    branch.is_case = branch.text:find("^case ") ~= nil
      or branch.text:find("^default") ~= nil
  end
  local explained = find_branches(source, found, function_of)
  find_lines(source, found, explained, function_of)
  table.sort(found, function(a, b)
    return a.line < b.line
  end)
  return found
end

local function reached(count)
  return count > 0 and 1 or 0
end

local function count_sides(sum, branch)
  sum.sides = sum.sides + 1
  sum.sides_reached = sum.sides_reached + reached(branch.yes)
  if not branch.is_case then
    sum.sides = sum.sides + 1
    sum.sides_reached = sum.sides_reached + reached(branch.no)
  end
end

---How many of the lines and sides of conditions were reached.
---@param source table
---@return table figures `lines`, `lines_reached`, `sides`, `sides_reached`
function gaps.count(source)
  local sum = { lines = 0, lines_reached = 0, sides = 0, sides_reached = 0 }
  for _, count in pairs(source.lines) do
    sum.lines = sum.lines + 1
    sum.lines_reached = sum.lines_reached + reached(count)
  end
  for _, branch in pairs(source.branches) do
    count_sides(sum, branch)
  end
  return sum
end

return gaps
