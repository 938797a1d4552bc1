-- Lists the paragraphs of the contract that no spec cites. A spec that holds a
-- statement names its paragraph in a comment or a test's name, as C3.4.
-- contract.txt has the numbers; "later" marks what is not built yet.
--
-- Run it from the top of the tree: lua5.4 spec/support/citations.lua [-v]
-- With -v it prints, for each number, the files that cite it.

local contract_file = "spec/support/contract.txt"
local verbose = arg[1] == "-v"

-- The paragraphs in their order: { number =, later =, text = }.
local function read_contract()
  local list = {}
  for line in io.lines(contract_file) do
    local number, text = line:match("^C(%d+%.[%w_]+)%s+(.+)")
    if number then
      local later = text:match("^later%f[%W]") ~= nil
      list[#list + 1] = { number = number, later = later, text = text }
    elseif line:match("^C") then
      error(contract_file .. ": cannot read: " .. line)
    end
  end
  return list
end

-- What may cite: everything under spec/ but the list and this file.
local function citing_files()
  local files = {}
  local list <close> = assert(io.popen("find spec -type f | sort"))
  for path in list:lines() do
    if path ~= contract_file and not path:match("/citations%.lua$") then
      files[#files + 1] = path
    end
  end
  return files
end

-- number -> list of the files that cite it
local function read_citations()
  local citations = {}
  for _, path in ipairs(citing_files()) do
    local file <close> = assert(io.open(path))
    local seen = {}
    for number in file:read("a"):gmatch("%f[%w]C(%d+%.[%w_]+)") do
      if not seen[number] then
        seen[number] = true
        citations[number] = citations[number] or {}
        table.insert(citations[number], path)
      end
    end
  end
  return citations
end

-- Prints the numbers that specs cite and the contract does not have.
local function report_unknown(contract, citations)
  local known = {}
  for _, paragraph in ipairs(contract) do
    known[paragraph.number] = true
  end
  local count = 0
  for number, files in pairs(citations) do
    if not known[number] then
      count = count + 1
      print(("no such paragraph: C%s (%s)"):format(number, files[1]))
    end
  end
  return count
end

local contract, citations = read_contract(), read_citations()
local missing = 0
for _, paragraph in ipairs(contract) do
  local files = citations[paragraph.number]
  if not files and not paragraph.later then
    missing = missing + 1
    print(("not cited: C%s %s"):format(paragraph.number, paragraph.text))
  elseif files and verbose then
    print(("C%s %s"):format(paragraph.number, table.concat(files, " ")))
  end
end
local unknown = report_unknown(contract, citations)
print(("%d paragraphs, %d not cited"):format(#contract, missing))
os.exit(missing == 0 and unknown == 0)
