-- What the figures of a run depend on.

local peers = require "bench.lib.peers"
local shell = require "bench.lib.shell"

local machine = {}

local facts = {
  { "machine", "sed -n 's/^model name[^:]*: //p' /proc/cpuinfo" },
  { "cores", "getconf _NPROCESSORS_ONLN" },
  { "memory", "awk '/^MemTotal/ { printf \"%.0f GiB\\n\", $2 / 1048576 }'"
    .. " /proc/meminfo" },
  { "kernel", "uname -srm" },
  { "system", ". /etc/os-release; echo \"$PRETTY_NAME\"" },
  { "compiler", "cc --version" },
  { "Lua", "build/miniloop --version | sed -n 2p" },
}

---The commit that is checked out, and whether it was changed.
---@return string
function machine.version()
  return shell.line("git describe --always --dirty") or "unknown"
end

---Pairs of what and its value, those of the peers that are here at the end.
---@return string[][]
function machine.facts()
  local list = { { "date", os.date("!%Y-%m-%d %H:%M UTC") } }
  for _, fact in ipairs(facts) do
    list[#list + 1] = { fact[1], shell.line(fact[2]) or "unknown" }
  end
  local names = {}
  for name in pairs(peers.known) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    list[#list + 1] = { name, peers.version(name) or "not installed" }
  end
  return list
end

return machine
