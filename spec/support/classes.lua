-- Sees that each class of failures in classes.txt has a test, and that every
-- test and command that it names exists: one that is renamed is noticed.
--
-- Run it from the top of the tree: lua5.4 spec/support/classes.lua [-v]
-- With -v it prints how many each class has.

local list_file = "spec/support/classes.txt"
local verbose = arg[1] == "-v"

local function read(path)
  local file = io.open(path)
  local text = file and file:read("a")
  if file then
    file:close()
  end
  return text
end

-- The classes in their order: { name =, text =, holders = { line, ... } }.
local function read_classes()
  local list = {}
  for line in io.lines(list_file) do
    local name, text = line:match("^(%u%d+) (.+)")
    local holder = line:match("^%s+(.+)")
    if name then
      list[#list + 1] = { name = name, text = text, holders = {} }
    elseif holder then
      table.insert(list[#list].holders, holder)
    elseif line ~= "" and line:sub(1, 1) ~= "#" then
      error(list_file .. ": cannot read: " .. line)
    end
  end
  return list
end

-- True if the text has the name as a whole word.
local function has_word(text, name)
  return text ~= nil and text:find("%f[%w_]" .. name .. "%f[^%w_]") ~= nil
end

local function command_exists(what)
  return has_word(read("tools/torture.sh"), "torture_" .. what)
end

-- Names of tests are made by the suite in two ways: they stand in the file, or
-- are put together there from a list that other files have.
local function test_exists(suite, name)
  local c = suite:match("^c/(.+)")
  if c then
    return has_word(read(("spec/c/%s_test.c"):format(c)), name)
  end
  local text = read(("spec/%s_spec.lua"):format(suite))
  return has_word(text, name)
    or text ~= nil and text:find([[spec%["test_" %.%.]]) ~= nil
end

local function exists(holder)
  local what = holder:match("^%./dev torture ([%w_]+)$")
  if what then
    return command_exists(what)
  end
  local suite, name = holder:match("^([%w_/]+)%.(test_[%w_]+)$")
  return suite ~= nil and test_exists(suite, name)
end

local classes, faults, total = read_classes(), 0, 0
for _, class in ipairs(classes) do
  if #class.holders == 0 then
    faults = faults + 1
    print(("nothing holds %s %s"):format(class.name, class.text))
  end
  for _, holder in ipairs(class.holders) do
    total = total + 1
    if not exists(holder) then
      faults = faults + 1
      print(("%s: there is no %s"):format(class.name, holder))
    end
  end
  if verbose then
    print(("%s %s: %d"):format(class.name, class.text, #class.holders))
  end
end
print(("%d classes, held by %d tests and commands, %d faults"):format(
  #classes, total, faults))
os.exit(#classes > 0 and faults == 0)
