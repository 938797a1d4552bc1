---`require`, as Lua's, but a module may block while it loads.
---
---Lua's own is a C function that cannot be suspended. This one is the same
---search in Lua, with one more state between "not loaded" and "loaded": a task
---that requires a module which another task is loading waits for that one.

local core = require "miniloop.core"

local getinfo = debug and debug.getinfo -- a state may come without
local loaded = package.loaded

---What is being loaded: name -> { name =, id = task, outer = name, done = event
---}; `outer` is the module that the task was loading when it required this one.
local loading = {}

---The module that each task is loading at the moment, by the task's id (0
---outside of tasks): the innermost of those under way.
local innermost = {}

---The module whose loading each waiting task waits for, by the task's id.
local awaited = {}

local function current()
  local ok, id = pcall(core.id)
  return ok and id or 0
end

---Adds the modules from `name` inward to the innermost that task `id` loads.
local function add_links(names, name, id)
  local at = #names + 1
  local inner = innermost[id]
  while inner and inner ~= name do
    table.insert(names, at, inner)
    inner = loading[inner] and loading[inner].outer
  end
  table.insert(names, at, name)
end

---The chain of requires that leads from `name` back to the task `id`, all
---modules of it in their order, or nil. A load belongs to a task; that task may
---wait for a module of another one.
local function chain(name, id)
  local names = {}
  while name and loading[name] do
    local owner = loading[name].id
    add_links(names, name, owner)
    if owner == id then
      return names
    end
    name = awaited[owner]
  end
end

---Raises an error at the caller of `require`. One that calls it last in a
---function has left no frame: then there is no place to tell. Nor is there one
---without the debug library.
local function raise(text)
  local caller = getinfo and getinfo(4, "S")
  local known = caller and caller.source ~= getinfo(1, "S").source
  error(text, known and 4 or 0)
end

local function search(name)
  local tried = {}
  if type(package.searchers) ~= "table" then
    raise "'package.searchers' must be a table"
  end
  for _, searcher in ipairs(package.searchers) do
    -- What it raises tells its place by itself, if at all; ours is no help.
    local ok, loader, extra = pcall(searcher, name)
    if not ok then
      error(loader, 0)
    elseif type(loader) == "function" then
      return loader, extra
    elseif type(loader) == "string" then
      tried[#tried + 1] = "\n\t" .. loader
    end
  end
  local text = table.concat(tried)
  raise(("module '%s' not found:%s"):format(name, text))
end

---Ends a load, also when its task is killed or the loader raises.
local function finish(entry)
  loading[entry.name] = nil
  innermost[entry.id] = entry.outer
  entry.done:set()
end

local function load(name, id)
  local entry <close> = setmetatable({
    name = name,
    id = id,
    outer = innermost[id],
    done = core.event_for(("the module '%s', which task %d loads")
      :format(name, id)),
  }, { __close = finish })
  loading[name], innermost[id] = entry, name
  local loader, extra = search(name)
  local value = loader(name, extra)
  if value ~= nil then
    loaded[name] = value
  elseif loaded[name] == nil then
    loaded[name] = true
  end
  return loaded[name], extra
end

local function await(name, id)
  local done = loading[name].done
  local _ <close> = setmetatable({}, {
    __close = function()
      awaited[id] = nil
    end,
  })
  awaited[id] = name
  done:wait()
end

local function cycle(name, id)
  local names = chain(name, id)
  if names then
    names[#names + 1] = name
    raise(("loop in require: '%s'"):format(table.concat(names, "' -> '")))
  end
end

local function check_name(...)
  local name = ...
  if type(name) ~= "string" and type(name) ~= "number" then
    raise(("bad argument #1 to 'require' (string expected, got %s)")
      :format(select("#", ...) == 0 and "no value" or type(name)))
  end
  return tostring(name)
end

return function(...)
  local name = check_name(...)
  while true do
    if loaded[name] then
      return loaded[name]
    end
    local id = current()
    if not loading[name] then
      return load(name, id)
    end
    cycle(name, id)
    await(name, id)
  end
end
