-- The same scenarios for us and for others, side by side: what is printed is
-- what each does, and how its process ended.
--
--   ./dev torture peers [RESETS [STEP]]
--
-- Of the requests for memory of a small program (peers/round) each STEP-th is
-- refused, 1 of 5 unless given.

package.path = "?.lua;" .. package.path

local peers = require "bench.lib.peers"
local process = require "spec.torture.lib.process"
local shell = require "bench.lib.shell"
local words = require "spec.torture.lib.words"

local TIME = 10 -- seconds that a scenario may take
local resets = words.count(arg[1], "RESETS", 90000)
local step = words.count(arg[2], "STEP", 5)

-- What stands before the word of a scenario.
local contestants = {
  { "miniloop", process.miniloop .. " spec/torture/peers/miniloop.lua" },
}
for _, name in ipairs { "luv", "cqueues" } do
  local peer = peers.known[name]
  if shell.line(peer.version) then
    table.insert(contestants,
      { name, ("%s spec/torture/peers/%s.lua"):format(peer.run, name) })
  end
end

-- What it wrote, and "status 1", "killed by signal 11" or "hangs".
local function run(command)
  local _, text = shell.run(("timeout %d sh -c '%s; echo \"= $?\"' 2>&1")
    :format(TIME, command))
  local status = tonumber(text:match("= (%d+)$"))
  if not status then
    return text, "hangs"
  elseif status > 128 and status < 160 then
    return text, ("killed by signal %d"):format(status - 128)
  end
  return text, ("status %d"):format(status)
end

-- The first word of these that it has printed, and how it ended.
local function outcome(...)
  local names = { ... }
  return function(command)
    local text, status = run(command)
    for _, word in ipairs(names) do
      local found = text:match(word)
      if found then
        return found .. ", " .. status
      end
    end
    return status
  end
end

-- The C library is to give back what is free: by itself it keeps some of it,
-- and more the larger the blocks are that it was given.
local function torn(command)
  return outcome("told %d[^\n]*")("env MALLOC_MMAP_THRESHOLD_=32768 "
    .. "MALLOC_TRIM_THRESHOLD_=131072 " .. command)
end

-- What is preloaded to refuse something; compiled when it is asked for.
local fault

local function compile_fault()
  local out = "build/peers_fault.so"
  assert(shell.run("cc -O2 -D_GNU_SOURCE -shared -fPIC -o " .. out
    .. " spec/torture/peers/fault*.c -ldl"), "fault.c does not compile")
  return out
end

-- How the program of a contestant, by the system's interpreter, comes through
-- when one thing after the other is refused: see peers/fault.c.
local function refused(options)
  return function(_, name)
    fault = fault or compile_fault()
    local _, text = shell.run(("LUA_CPATH='build/release/module/?.so;;'"
      .. " LD_PRELOAD=%s PEERS_FAULT='%s' timeout 600 lua5.4"
      .. " spec/torture/peers/round/%s.lua 2>&1"):format(fault, options, name))
    return text:match("of %d+:[^\n]*") or text
  end
end

-- The figures of a torture whose server this is.
local function tortured(name, options, ...)
  local figures = { ... }
  return function(command)
    local _, text = shell.run(("%s spec/torture/%s.lua %s%s 2>&1"):format(
      process.miniloop, name, options, command))
    local found = {}
    for _, pattern in ipairs(figures) do
      table.insert(found, text:match(pattern))
    end
    return #found > 0 and table.concat(found, ", ")
      or text:find("died", 1, true) and "the server died" or "lost"
  end
end

local scenarios = {
  { "one task raises, another has work to do", "raise", outcome "finished" },
  { "a descriptor is closed under its reader", "closed",
    outcome("told: [^\n]+", "never told") },
  { "a descriptor is closed under its writer", "writer",
    outcome("told: [^\n]+", "never told") },
  { "two tasks wait for each other", "deadlock",
    outcome "can never go on" },
  { "500 sleeps of half a millisecond, how many early", "naps",
    outcome("%d+ of 500", "whole milliseconds") },
  { "a call that blocks in a comparator", "comparator",
    outcome("cannot call 'sleep' here", "attempt to yield[^\n]*", "blocked") },
  { "os.exit(7, true) in a task", "exit", outcome() },
  { "a chain of 50,000 closes", "chain", outcome "finished" },
  { "24 descriptors, 40 clients, CPU in 3 s; served when others left", "server",
    tortured("descriptors", "", "without a descriptor: (%S+ s)",
      "served %d+ of %d+", "were served: (%d+)[^\n]*at least") },
  { ("%d connections and resets, a second"):format(resets), "server",
    tortured("resets", resets .. " ", "connections a second: (%S+)") },
  { "100 transfers of 16 MiB, one end killed in the middle", "transfer",
    torn },
  { "each request for memory refused, once", "round",
    refused("memory once " .. step) },
  { "the same twice in a row", "round", refused("memory twice " .. step) },
  { "the same from then on", "round", refused("memory on " .. step) },
  { "each system call refused, once", "round", refused "calls once 1" },
}

for _, scenario in ipairs(scenarios) do
  local title, word, judge = table.unpack(scenario)
  print(title)
  for _, contestant in ipairs(contestants) do
    local name, command = table.unpack(contestant)
    print(("    %-10s %s"):format(name, judge(command .. " " .. word, name)))
  end
end
