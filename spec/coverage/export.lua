-- Reads what `llvm-cov export` writes, and adds up what it has of each place.
--
-- A function of a header is compiled into many files, and a macro stands where
-- it is used: all those count for the one place in the source.

local json = require "miniloop.json"

local export = {}

-- The fields of a branch and of a region, as llvm-cov orders them.
local TRUE, FALSE, BRANCH_FILE = 5, 6, 7
local COUNT, REGION_FILE, KIND = 5, 6, 8
local CODE = 0 -- the kind of a region that is code of the file itself

-- A condition that the compiler has answered is counted by nobody.
local constant = {
  ["true"] = true, ["false"] = true, ["1"] = true, ["0"] = true,
}

local Source = {}
Source.__index = Source

local function read_source(path)
  local source = setmetatable({ path = path, text = {}, lines = {},
    branches = {}, functions = {} }, Source)
  for line in io.lines(path) do
    table.insert(source.text, line)
  end
  return source
end

-- What stands between two places, in one line.
function Source:between(line1, column1, line2, column2)
  local parts = {}
  for number = line1, line2 do
    local text = self.text[number]
    local first = number == line1 and column1 or 1
    local last = number == line2 and column2 - 1 or #text
    table.insert(parts, text:sub(first, last))
  end
  return (table.concat(parts, " "):gsub("%s+", " "):match("^ ?(.-) ?$"))
end

-- The function that a line belongs to: nil outside of them all, as in a macro.
function Source:function_of(line)
  for _, each in pairs(self.functions) do
    if each.first <= line and line <= each.last then
      return each
    end
  end
  return nil
end

local function place(region)
  return table.concat(region, ":", 1, 4)
end

-- A `default:` right behind a `case` has no code of its own: it is there for
-- the compiler, which would warn of values that the type has not.
function Source:is_idle_default(line)
  return self.text[line]:find("^%s*default:")
    and self.text[line - 1]:find("^%s*case [%w_]+:")
end

function Source:add_branch(branch)
  local key = place(branch)
  local known = self.branches[key]
  if not known then
    known = { line = branch[1], column = branch[2], last = branch[3],
      text = self:between(table.unpack(branch, 1, 4)), yes = 0, no = 0 }
    self.branches[key] = not constant[known.text]
      and not self:is_idle_default(known.line) and known or nil
  end
  known.yes = known.yes + branch[TRUE]
  known.no = known.no + branch[FALSE]
end

function Source:add_function(name, region)
  local key = place(region)
  local known = self.functions[key]
  if not known then
    known = { name = name:match("[^:]+$"), first = region[1], last = region[3],
      count = 0 }
    self.functions[key] = known
  end
  known.count = known.count + region[COUNT]
end

-- Lines by segments, as llvm-cov does it: a line counts as often as the code
-- that goes on from the line before, or as what begins in it, if that is more.
local LINE, SEGMENT_COUNT, HAS_COUNT, ENTRY, GAP = 1, 3, 4, 5, 6

local function begins_code(segment)
  return segment[HAS_COUNT] and segment[ENTRY] and not segment[GAP]
end

-- What the preprocessor left out.
local function is_skipped(segment)
  return segment ~= nil and segment[ENTRY] and not segment[HAS_COUNT]
end

local function count_line(wrapped, segments)
  if is_skipped(segments[1]) then
    return nil
  end
  local count = wrapped and wrapped[HAS_COUNT] and wrapped[SEGMENT_COUNT] or nil
  for _, segment in ipairs(segments) do
    if begins_code(segment) then
      count = math.max(count or 0, segment[SEGMENT_COUNT])
    end
  end
  return count
end

function Source:add_lines(segments)
  local next_one, wrapped = 1, nil
  for line = 1, #self.text do
    local here = {}
    while segments[next_one] and segments[next_one][LINE] == line do
      table.insert(here, segments[next_one])
      next_one = next_one + 1
    end
    self.lines[line] = count_line(wrapped, here)
    wrapped = here[#here] or wrapped
  end
end

local function add_function(sources, record)
  local files = record.filenames
  for _, branch in ipairs(record.branches) do
    local source = sources[files[branch[BRANCH_FILE] + 1]]
    if source then
      source:add_branch(branch)
    end
  end
  local body = record.regions[1]
  local source = sources[files[body[REGION_FILE] + 1]]
  if source and body[KIND] == CODE then
    source:add_function(record.name, body)
  end
end

---What the file of llvm-cov has of the sources under `root`.
---@param path string the file
---@param root string a folder, with its "/"
---@return table<string, table> sources by their paths below `root`: `lines` has
--- the count of each line that is code, `branches` are the conditions (`text`,
--- `line`, how often `yes` and `no`), `functions` have `name`, `first`, `last`
--- and `count`
function export.read(path, root)
  local file <close> = assert(io.open(path))
  local data = assert(json.decode(file:read("a"))).data[1]
  local sources, found = {}, {}
  for _, each in ipairs(data.files) do
    if each.filename:sub(1, #root) == root then
      local source = read_source(each.filename)
      source:add_lines(each.segments)
      sources[each.filename] = source
      found[each.filename:sub(#root + 1)] = source
    end
  end
  for _, record in ipairs(data.functions) do
    add_function(sources, record)
  end
  return found
end

return export
