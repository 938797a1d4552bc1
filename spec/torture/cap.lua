-- Hostile scripts under caps of many sizes: spec/torture/hog.lua, with each of
-- its patterns, COUNT times with a size that the seed chooses.
--
--   ./dev torture cap [--seed=N] [COUNT]

package.path = "?.lua;" .. package.path

local words = require "spec.torture.lib.words"

local COMMAND <const> = arg[-1]
local HOG <const> = "spec/torture/hog.lua"
local SMALLEST <const>, LARGEST <const> = 350 << 10, 40 << 20

local options, rest = words.options(arg, { seed = "number" },
  "usage: ./dev torture cap [--seed=N] [COUNT]")
local count = words.count(rest[1], "COUNT", 10)
local seed = options.seed or os.time()
print(("--seed=%d"):format(seed))
math.randomseed(seed)

-- As many sizes of one magnitude as of another.
local function random_size()
  return math.floor(SMALLEST * (LARGEST / SMALLEST) ^ math.random())
end

local function run(command)
  local pipe <close> = assert(io.popen(COMMAND .. " " .. command .. " 2>&1"))
  return pipe:read("a"), select(3, pipe:close())
end

local runs, bad = 0, 0
for pattern in run(HOG):gmatch("[^\n]+") do
  for _ = 1, count do
    local command = ("--max-memory=%d --timeout=60 %s %s"):format(random_size(),
      HOG, pattern)
    local out, status = run(command)
    runs = runs + 1
    if status ~= 0 or out ~= "all is well\n" then
      bad = bad + 1
      print(("%s %s\n  ends with %s: %s"):format(COMMAND, command, status, out))
    end
  end
end
print(("%d runs, %d of them bad"):format(runs, bad))
os.exit(bad == 0)
