-- What a sweep's processes count, in files that can be added up: a line
-- "case NAME COUNT", "skip NAME WHY", or "MODE VERDICT COUNT" each.

local tally = {}
tally.__index = tally

-- One that adds itself to the file, or prints itself if that is nil.
function tally.new(path)
  return setmetatable({ path = path, lines = {}, counts = {} }, tally)
end

function tally:case(name, count)
  table.insert(self.lines, ("case %s %d"):format(name, count))
end

function tally:skip(name, why)
  table.insert(self.lines, ("skip %s %s"):format(name, why:match("^[^\n]*")))
end

function tally:add(mode, verdict)
  local key = mode .. " " .. verdict
  self.counts[key] = (self.counts[key] or 0) + 1
end

function tally:write()
  for key, count in pairs(self.counts) do
    table.insert(self.lines, ("%s %d"):format(key, count))
  end
  local text = table.concat(self.lines, "\n") .. "\n"
  if self.path then
    local file <close> = assert(io.open(self.path, "a"))
    assert(file:write(text)) -- at once, for other processes write as well
  else
    io.write(text)
  end
end

-- --------------------------------------------------------------------- the sum

local function read_lines(paths)
  local sum, cases, skipped, requests = {}, {}, {}, 0
  for _, path in ipairs(paths) do
    for line in io.lines(path) do
      local a, b, c = line:match("^(%S+) (%S+) (.*)$")
      if a == "case" and not cases[b] then
        cases[b], requests = true, requests + tonumber(c)
      elseif a == "skip" then
        skipped[b] = c
      elseif a ~= "case" then
        sum[a .. " " .. b] = (sum[a .. " " .. b] or 0) + tonumber(c)
      end
    end
  end
  return sum, cases, skipped, requests
end

local function count(set)
  local n = 0
  for _ in pairs(set) do
    n = n + 1
  end
  return n
end

local function row(title, cells)
  print(("%-18s"):format(title) .. table.concat(cells))
end

-- Prints a table of the tallies; true if all verdicts are good ones.
function tally.print_sum(paths, modes, verdicts, good)
  local sum, cases, skipped, requests = read_lines(paths)
  local fine, total, titles = 0, 0, {}
  for i, verdict in ipairs(verdicts) do
    titles[i] = ("%9s"):format(verdict)
  end
  row("", titles)
  for _, mode in ipairs(modes) do
    local cells = {}
    for i, verdict in ipairs(verdicts) do
      local n = sum[mode .. " " .. verdict] or 0
      cells[i] = ("%9d"):format(n)
      total, fine = total + n, fine + (good[verdict] and n or 0)
    end
    row(mode, cells)
  end
  for name in pairs(cases) do
    skipped[name] = nil
  end
  print(("%d points tried, of %d in %d cases; %d cases left out"):format(
    total, requests, count(cases), count(skipped)))
  print(("%d passed, %d failed"):format(fine, total - fine))
  return fine == total
end

return tally
