-- What may find a mutant, in the order in which it is tried: first the specs of
-- the mutated file's own matter, then what is quick, then what is slow.

local killers = {}

---@class mutate.Stage
---@field name string
---@field specs? string[]  patterns of names, see spec/run.lua
---@field poller? string
---@field cpu? integer     seconds that a process may compute, if it needs many
---@field c? string[]      programs of spec/c
---@field flags? string    for them and the mutant, besides their own
---@field done? string[]   specs that another stage has run before

-- What looks at the clock on the wall, installs things, needs other programs,
-- or measures: neither quick nor sure on a machine that is busy.
killers.without = {
  "^api/install", "^api/symbols", "^core/failure%.test_a_loop_that_is_idle",
  "no_cpu", "^scope/large", "^scope/trio", "_uses_little_memory$",
  "^net/udp%.test_other_programs", "^net/connect%.test_a_slow",
  "^net/connect%.test_an_address_without", "^net/luasocket", "_peers%.",
  "^sim/random%.test_a_",
}

-- The specs of a file's matter, where it is not core/ alone.
local matters = {
  arg = { "^core/misuse", "^core/request" },
  blame = { "^scope/group_failure", "^core/failure" },
  body = { "^core/error", "^scope/" },
  call = { "^core/request", "^core/cancel", "^choice/", "^sync/" },
  catcher = { "^scope/signals", "^sim/found" },
  collector = { "^api/" },
  completion = {},
  coroutine = { "^core/coroutine", "^core/frame" },
  cycle = { "^sys/wait", "^sync/mutex" },
  error = { "^core/error" },
  failure = { "^core/failure", "^core/error", "^scope/group_failure" },
  frame = { "^core/frame", "^core/coroutine", "^scope/" },
  handle = { "^core/handle", "^core/spawn" },
  kill = { "^core/kill", "^scope/group" },
  loop = { "^core/loop", "^core/deadlock", "^sys/time" },
  mailbox = {},
  misuse = { "^core/misuse", "^core/misplaced" },
  offload = { "^net/connect" },
  park = { "^choice/", "^sys/io", "^sync/", "^sys/time" },
  request = { "^core/request", "^choice/", "^cli/advice" },
  round = { "^core/loop", "^core/deadlock", "^sys/time" },
  scope = { "^scope/", "^core/cancel" },
  site = { "^core/spawn", "^core/failure", "^core/deadlock", "^core/misuse" },
  spare = { "^core/spawn", "^core/coroutine" },
  task = { "^core/spawn", "^core/kill", "^core/loop" },
  tasks = { "^scope/tasks" },
  vm = { "^core/", "^api/", "^cli/memory" },
  watch = { "^sys/", "^net/stream", "^poll/" },
}

-- Programs of spec/c that are quick, those that a file is likely to be found by
-- first.
local programs = {
  "api_choice_test", "api_close_test", "api_failure_test", "api_full_test",
  "api_instant_test", "api_later_test", "api_offload_test", "api_poll_test",
  "api_post_test", "api_quiet_test", "api_run_test", "api_spawn_test",
  "api_state_test", "api_storm_test", "api_scarce_test", "api_supervise_test",
  "api_syscall_test", "api_wait_test", "api_open_test", "api_limit_test",
  "api_shortage_test", "api_stack_test", "collector_test", "round_test",
  "watch_test", "pool_test", "poller_failure_test", "regress_other_loop_test",
  "regress_other_parent_test", "regress_finalizer_close_test",
}

-- Those of what is no memory of Lua's: linked so that what is never freed fails
-- them.
local leaking = {
  "api_close_test", "api_later_test", "api_offload_test", "api_post_test",
  "api_scarce_test",
}

-- Those of core/ that other threads use as well, and the programs with threads
-- in which ThreadSanitizer sees whether they hold a lock.
local threaded = {
  mailbox = { "api_later_test", "api_offload_test", "api_post_test" },
  completion = { "api_later_test" },
  offload = { "api_offload_test" },
}

local layer_programs = {
  base = { "base_test", "buffer_test", "library_test", "timer_test" },
  poll = { "poll_test", "poll_own_test" },
  net = {
    "net_address_test", "net_endpoint_test", "net_io_test", "net_listen_test",
    "net_option_test", "net_resolve_test", "net_socket_test",
  },
  proto = { "proto_text_test", "websocket_test", "regress_chunk_limit_test" },
}

local c_first = {
  completion = { "api_later_test", "api_syscall_test", "api_storm_test" },
  mailbox = {
    "api_post_test", "api_later_test", "api_storm_test", "api_scarce_test",
  },
  offload = { "api_offload_test", "api_scarce_test" },
  vm = { "api_limit_test", "api_open_test", "api_state_test" },
  collector = {
    "collector_test", "api_limit_test", "api_open_test", "api_state_test",
  },
  park = { "api_choice_test", "api_wait_test", "api_shortage_test" },
  round = { "round_test" },
}

-- Of other layers than core: the area of the same name, and its neighbours.
local areas = {
  base = { "^core/", "^lib/" },
  poll = { "^poll/", "^sys/" },
  net = { "^net/" },
  proto = { "^http/", "^websocket/", "^tls/" },
  sys = { "^sys/", "^sync/", "^choice/", "^scope/" },
  lib = { "^lib/", "^http/", "^tls/", "^websocket/" },
  api = { "^api/", "^core/failure", "^core/deadlock" },
  cli = { "^cli/" },
}

-- The quick ones, for every mutant.
local rest = {
  { name = "core", specs = { "^core/", "^sync/", "^choice/", "^regress/",
    "^sys/", "^sim/" } },
  { name = "scope", specs = { "^scope/" } },
  { name = "quick programs", c = programs },
  { name = "leaks", c = leaking, flags = "-fsanitize=leak" },
  { name = "epoll", poller = "epoll", specs = { "^sys/", "^net/stream",
    "^core/loop", "^poll/" } },
  { name = "net", specs = { "^net/", "^poll/" } },
  { name = "signals", specs = { "^cli/signals", "^cli/exit", "^cli/advice",
    "^api/" } },
  { name = "memory", cpu = 60, c = { "api_memory_test" } },
}

-- With --thorough only.
local slow = {
  { name = "cli", specs = { "^cli/", "^lua/", "^lib/" } },
  { name = "more epoll", poller = "epoll", specs = { "^core/", "^net/",
    "^sync/", "^scope/", "^regress/" } },
  { name = "select", poller = "select", specs = { "^sys/", "^net/stream",
    "^poll/" } },
  { name = "http", specs = { "^http/client", "^http/server", "^http/limits",
    "^websocket/tasks", "^tls/stream", "^tls/serve" } },
  { name = "large", specs = { "^scope/large" }, large = true },
  { name = "more memory", cpu = 120,
    c = { "lib_memory_test", "http_memory_test" } },
}

local function append(list, more)
  return table.move(more, 1, #more, #list + 1, list)
end

local function contains(list, value)
  for _, v in ipairs(list) do
    if v == value then
      return true
    end
  end
  return false
end

-- The stage without the specs that were run before, or nil: nothing is left.
local function without_done(stage, done)
  if not stage.specs or stage.poller then
    return stage
  end
  for _, pattern in ipairs(stage.specs) do
    if not contains(done, pattern) then
      return { name = stage.name, specs = stage.specs, done = done }
    end
  end
  return nil
end

local function parts_of(path)
  return path:match("^runtime/(%w+)/([%w_]+)%.c$")
end

-- What is tried first for a file: programs, and patterns of specs.
local function first_of(path)
  local layer, file = parts_of(path)
  if layer == "core" then
    return c_first[file], matters[file] or { "^core/" }
  end
  return layer_programs[layer], areas[layer] or { "^core/" }
end

---The stages for a mutant of this file.
---@param path string
---@param thorough boolean  the slow ones, too
---@return mutate.Stage[]
function killers.stages(path, thorough)
  local c, first = first_of(path)
  local stages = {}
  if c then
    stages[1] = { name = "first programs", c = c }
  end
  if #first > 0 then
    stages[#stages + 1] = { name = "first specs", specs = first }
  end
  for _, stage in ipairs(rest) do
    stages[#stages + 1] = without_done(stage, first)
  end
  local layer, file = parts_of(path)
  if layer == "core" and threaded[file] then
    stages[#stages + 1] = { name = "threads", c = threaded[file],
      flags = "-fsanitize=thread" }
  end
  return thorough and append(stages, slow) or stages
end

---All stages, for the run of the tree as it is.
function killers.all(thorough)
  local c = {}
  for _, layer in pairs(layer_programs) do
    append(c, layer)
  end
  table.sort(c)
  local stages = append({ { name = "programs", c = c } }, rest)
  return thorough and append(stages, slow) or stages
end

return killers
