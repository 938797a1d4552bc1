-- Connections that come and go: half of them are ended by a reset, a tenth is
-- killed in mid-transfer, at either end, others run into timeouts or end one
-- direction first. At intervals, when none is left, a look is taken at what the
-- server and the client hold: descriptors, tasks, timers, memory.
--
--   ./dev torture soak [CONNECTIONS | SECONDS"s"] [--seed=N]

package.path = "?.lua;" .. package.path

local core = require "miniloop.core"
local ml = require "miniloop"
local net = require "miniloop.net"
local process = require "spec.torture.lib.process"
local stats = require "bench.lib.stats"
local verdict = require "spec.torture.lib.verdict"
local words = require "spec.torture.lib.words"

local AT_ONCE = 64
local LOOKS = 50      -- in the whole run, of so many connections
local STEP = 20000    -- connections from look to look, of so many seconds
local GROWTH = 2      -- per cent of memory, from a fifth of the way on
local ENOUGH = 5000000 -- connections: with fewer, it still takes its share, so
local ALLOWED = 1024   -- KiB more are too

local options, rest = words.options(arg, { seed = "number" },
  'usage: ./dev torture soak [CONNECTIONS | SECONDS"s"] [--seed=N]')

-- How many, and for how many seconds.
local function read_length(text)
  local seconds = text and text:match("^(.*)s$")
  if seconds then
    return math.maxinteger, words.count(seconds, "SECONDS")
  end
  return words.count(text, "CONNECTIONS", 1000000), math.huge
end

local connections, limit = read_length(rest[1])
local seed = options.seed or os.time()
math.randomseed(seed)
print(("--seed=%d"):format(seed))

local server <close> = process.start(
  process.miniloop .. " --poller=epoll spec/torture/soak_server.lua",
  "ulimit -n 4096")
local port = server:line()

-- ------------------------------------------------------------- connections

-- The addresses of this machine in turns, for a port is not free again at once.
local turn = 0

local function dial(act)
  turn = turn % 250 + 1
  local conn, err = net.connect(("127.0.0.%d:%s"):format(turn, port))
  if not conn then
    error(err)
  end
  assert(conn:write(act))
  return conn
end

local done = { reset = 0, killed = 0, timeouts = 0, ends = 0 }

local function hang_up(conn)
  conn:setoption("linger", 0)
  conn:close()
  done.reset = done.reset + 1
end

local function echo(conn)
  assert(conn:write("hello"))
  assert(conn:read(5) == "hello", "a wrong answer")
end

local kinds = {}

function kinds.reset_at_once()
  hang_up(dial "e")
end

function kinds.reset_after_an_answer()
  local conn <close> = dial "e"
  echo(conn)
  hang_up(conn)
end

function kinds.reset_in_mid_transfer()
  local conn <close> = dial "p"
  conn:recv()
  hang_up(conn)
end

function kinds.killed_here_in_mid_transfer()
  local task = ml.spawn(function()
    local conn <close> = dial "p"
    repeat
      local bytes = conn:recv(4096)
    until not bytes
  end)
  ml.yield()
  ml.yield()
  task:kill()
  done.killed = done.killed + 1
end

function kinds.killed_there_in_mid_transfer()
  local conn <close> = dial "k"
  repeat
    local bytes = conn:recv()
  until not bytes
  done.killed = done.killed + 1
end

function kinds.timeout_there()
  local conn <close> = dial(math.random(2) == 1 and "s" or "t")
  assert(conn:recv() == nil)
  done.timeouts = done.timeouts + 1
end

function kinds.timeout_here()
  local conn <close> = dial "e"
  local _, err = ml.timeout(0.002, conn.recv, conn)
  assert(err.code == "ETIMEDOUT")
  done.timeouts = done.timeouts + 1
end

function kinds.one_direction_first()
  local conn <close> = dial "e"
  assert(conn:write("hello"))
  assert(conn:shutdown("write"))
  assert(conn:read("a") == "hello", "a wrong answer")
  done.ends = done.ends + 1
end

function kinds.end_after_answers()
  local conn <close> = dial "e"
  echo(conn)
  echo(conn)
  done.ends = done.ends + 1
end

-- How many of a hundred.
local shares = {
  { 20, kinds.reset_at_once }, { 25, kinds.reset_after_an_answer },
  { 5, kinds.reset_in_mid_transfer },
  { 5, kinds.killed_here_in_mid_transfer },
  { 5, kinds.killed_there_in_mid_transfer },
  { 3, kinds.timeout_there }, { 2, kinds.timeout_here },
  { 15, kinds.one_direction_first }, { 20, kinds.end_after_answers },
}
local lot = {}
for _, share in ipairs(shares) do
  for _ = 1, share[1] do
    lot[#lot + 1] = share[2]
  end
end

local function crowd(count)
  ml.group(function(g)
    for _ = 1, AT_ONCE do
      g:spawn(function()
        while count > 0 do
          count = count - 1
          lot[math.random(#lot)]()
        end
      end)
    end
  end)
end

-- ------------------------------------------------------------------- looks

local this = process.this()

-- What the server says of itself.
local function ask()
  local conn <close> = dial "?"
  local tasks, lua = assert(conn:read("l")):match("(%d+) (%d+)")
  return tonumber(tasks), tonumber(lua)
end

-- What both hold: asked again until the server has seen the last one go, and no
-- more is open than at the first look.
local function look(first)
  local found = {}
  local patience = ml.now() + 2
  repeat
    found.server_tasks, found.server_lua = ask()
    ml.sleep(0.02)
    found.server_open, found.open = server:descriptors(), this:descriptors()
  until ml.now() > patience or first and found.server_tasks == 1
    and found.server_open <= first.server_open and found.open <= first.open
  collectgarbage()
  collectgarbage()
  assert(core.check())
  found.tasks, found.lua = #ml.tasks(), collectgarbage "count"
  found.server_memory, found.memory = server:memory(), this:memory()
  return found
end

local fields = {
  "server_open", "open", "server_tasks", "tasks", "server_memory", "memory",
  "server_lua", "lua",
}

-- Looks that were taken. They lie in a file: here they would be among what the
-- client holds.
local record <close> = assert(io.tmpfile())

local function note(found)
  for _, field in ipairs(fields) do
    assert(record:write(found[field], "\n"))
  end
end

local function noted()
  local looks = {}
  assert(record:seek("set"))
  repeat
    local found = {}
    for _, field in ipairs(fields) do
      found[field] = record:read("n")
    end
    looks[#looks + 1] = next(found) and found
  until not next(found)
  return looks
end

crowd(math.min(connections, 5000)) -- what is made at first, may be kept
local start, opened = ml.now(), 0

local function soak()
  local first, taken = look(), 0
  note(first)
  local step = STEP
  if limit == math.huge then
    step = math.max(connections // LOOKS, 1)
  end
  while opened < connections and ml.now() - start < limit do
    crowd(step)
    opened = opened + step
    local found = look(first)
    note(found)
    taken = taken + 1
    if taken % 10 == 0 then
      print(("%d after %.0f s: the server has %d KiB, the client %d KiB")
        :format(opened, ml.now() - start, found.server_memory, found.memory))
    end
  end
end

soak()
print(("%.0f connections a second: %d reset, %d killed in mid-transfer, %d "
  .. "timeouts, %d ended"):format(opened / (ml.now() - start), done.reset,
  done.killed, done.timeouts, done.ends))

-- ----------------------------------------------------------------- verdict

local looks = noted()

local function column(field, first, last)
  local values = {}
  for i = first, math.min(last, #looks) do
    values[#values + 1] = looks[i][field]
  end
  return values
end

local function judge_count(field)
  local most = math.max(table.unpack(column(field, 2, #looks)))
  verdict.holds(most <= looks[1][field], ("%s: %d at first, at most %d later")
    :format(field, looks[1][field], most))
end

-- The most that was held, early and late: what is held swings by some hundred
-- KiB, as blocks lie that are in use, and a leak adds to all of it.
local function judge_memory(field)
  local fifth = math.max(1, #looks // 5)
  local early = column(field, fifth, 2 * fifth)
  local late = column(field, #looks - fifth, #looks)
  local before = math.max(table.unpack(early))
  local after = math.max(table.unpack(late))
  local text = ("%s: at most %.0f KiB after a fifth, %.0f KiB at the end: "
    .. "%.1f %% (medians %.0f, %.0f)"):format(field, before, after,
    (after / before - 1) * 100, stats.median(early), stats.median(late))
  local allowed = opened < ENOUGH and ALLOWED or before * GROWTH / 100
  verdict.holds(after <= before + allowed, text)
end

for _, field in ipairs(fields) do
  if field:find("memory$") or field:find("lua$") then
    judge_memory(field)
  else
    judge_count(field)
  end
end
verdict.finish()
