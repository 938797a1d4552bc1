---Routes: which handler answers a method and a path.
---
---A route is "METHOD /path", or "/path" for every method. A segment "{name}"
---stands for any one segment, a "*" at the end for all that follows. Where
---several fit, the one that says more about the first segment in which they
---differ wins: a literal before "{name}" before "*".
local routes = {}

local core = require "miniloop.core"
local url = require "miniloop.url"

---A route as it is called.
---@class miniloop.http.route
---@field handler function
---@field pattern string
---@field names string[]   of its parameters
---@field replies boolean  it wants the response as a second argument

-- ------------------------------------------------------------------- handlers

---Whether a handler has a second parameter; where nobody can tell, it has one.
local function wants_reply(handler)
  if type(handler) ~= "function" or not (debug and debug.getinfo) then
    return true
  end
  local info = debug.getinfo(handler, "u")
  return info.nparams > 1 or info.isvararg
end

local function is_callable(value)
  if type(value) == "function" then
    return true
  end
  local meta = type(value) == "table" and getmetatable(value)
  return meta and meta.__call ~= nil
end

local function route_new(handler, pattern)
  return {
    handler = handler, pattern = pattern, names = {},
    replies = wants_reply(handler),
  }
end

-- ------------------------------------------------------------------- patterns

---The reason why a text is no route.
local function refuse(text, reason)
  error(("bad route '%s' (%s)"):format(tostring(text), reason), 0)
end

---Method, "*" for all of them, and path of a route.
local function split(text)
  if type(text) ~= "string" then
    refuse(text, "a string such as \"GET /path\" expected")
  end
  local method, path = text:match("^([%w!#$%%&'*+.^_`|~-]+) +(/%S*)$")
  path = path or text:match("^/%S*$")
  if not path then
    refuse(text, "it is not of the form \"METHOD /path\"")
  elseif method and method:find("%l") then
    refuse(text, "methods are in upper case")
  end
  return method or "*", path
end

---The escapes of bytes that need none are taken away, as RFC 3986, 6.2.2.2 has
---it, so that a path has one form.
local function normalize(path)
  return (path:gsub("%%(%x%x)", function(digits)
    local byte = string.char(tonumber(digits, 16))
    return byte:find("^[%w%-._~]$") and byte or "%" .. digits:upper()
  end))
end

---A literal segment as it stands in paths.
local function literal(segment)
  return normalize(segment:gsub("[^%w%-._~!$&'()*+,;=:@%%|%[%]]",
    function(byte)
      return ("%%%02X"):format(byte:byte())
    end))
end

---The kind of a segment, and its name or text.
local function kind_of(segment, is_last, text)
  local name = segment:match("^{([%a_][%w_]*)}$")
  if name then
    return "parameter", name
  elseif segment == "*" then
    return is_last and "rest" or refuse(text, "a '*' must be the end"), "*"
  elseif segment:find("[{}*]") then
    refuse(text, "'{name}' and '*' must be whole segments")
  elseif segment:find("^:[%a_]") then
    refuse(text, ("a parameter is '{%s}'; a colon is '%%3A'")
      :format(segment:sub(2)))
  end
  return "literal", literal(segment)
end

-- ------------------------------------------------------------------- the tree

-- A node has `literals` by their text, a `parameter` node, and the routes by
-- method of paths that end here, and of those that end in a "*" here.

local function node_new()
  return { literals = {} }
end

local step = {
  literal = function(node, text)
    node.literals[text] = node.literals[text] or node_new()
    return node.literals[text]
  end,
  parameter = function(node, name, route, text)
    for _, other in ipairs(route.names) do
      if other == name then
        refuse(text, ("'{%s}' is there twice"):format(name))
      end
    end
    table.insert(route.names, name)
    node.parameter = node.parameter or node_new()
    return node.parameter
  end,
}

---The methods' table of a route, made where it is not there.
local function place(root, path, route, text)
  local node, key = root, "methods"
  local rest = path:sub(2)
  local from = 1
  repeat
    local slash = rest:find("/", from, true)
    local segment = rest:sub(from, (slash or 0) - 1)
    local kind, value = kind_of(segment, not slash, text)
    if kind == "rest" then
      key = "rest"
      table.insert(route.names, "*")
    else
      node = step[kind](node, value, route, text)
    end
    from = slash and slash + 1
  until not from
  node[key] = node[key] or {}
  return node[key]
end

---Adds a route.
local function add(root, text, handler)
  local method, path = split(text)
  if not is_callable(handler) then
    refuse(text, "a function expected, got " .. type(handler))
  end
  local route = route_new(handler, path)
  local methods = place(root, path, route, text)
  if methods[method] then
    refuse(text, "there is another one like it")
  end
  methods[method] = route
end

-- ---------------------------------------------------------------------- allow

---The methods that a place answers to, in order, as in the field Allow.
local function allow_of(methods)
  local names = { "OPTIONS" }
  for name in pairs(methods) do
    if name ~= "OPTIONS" and name ~= "*" then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return table.concat(names, ", ")
end

---HEAD is answered as GET is, and the server leaves the body out (RFC 9110,
---9.3.2).
local function complete(methods)
  methods.HEAD = methods.HEAD or methods.GET
  return { by = methods, any = methods["*"] }
end

---Notes the routes of a literal path by method and path.
local function note_plain(plain, path, methods)
  for method, route in pairs(methods) do
    plain[method] = plain[method] or {}
    plain[method][path] = route
  end
end

---Makes of a methods' table what a search looks at.
local function complete_place(node, key, every)
  local methods = node[key]
  if methods then
    node[key] = complete(methods)
    for method in pairs(methods) do
      every[method] = method ~= "*" and true or nil
    end
  end
end

---Completes a node and all below it; collects the routes of literal paths in
---`plain`, and the methods of all in `every`. `path` is nil below a parameter.
local function finish(node, path, plain, every)
  complete_place(node, "methods", every)
  complete_place(node, "rest", every)
  if path and node.methods then
    note_plain(plain, path, node.methods.by)
  end
  for text, inner in pairs(node.literals) do
    finish(inner, path and path .. "/" .. text, plain, every)
  end
  if node.parameter then
    finish(node.parameter, nil, plain, every)
  end
end

-- --------------------------------------------------------------------- search

-- A search notes the values of parameters in `values`. It is made for requests
-- that are answered: which methods a path has besides is looked for only then.

local search

---The route of a place, if it answers to the method.
local function route_of(place_found, method)
  return place_found and (place_found.by[method] or place_found.any)
end

---Looks on in the node that is next.
local function enter(node, method, path, from, values)
  if from > #path + 1 then
    return route_of(node.methods, method)
  end
  return search(node, method, path, from, values)
end

---Tries a segment as a value.
local function enter_parameter(node, segment, method, path, from, values)
  values[#values + 1] = segment
  local route = enter(node, method, path, from, values)
  if not route then
    values[#values] = nil
  end
  return route
end

---The segment of the path that begins at `from`, and where the next one does.
local function segment_at(path, from)
  local slash = path:find("/", from, true)
  if slash then
    return path:sub(from, slash - 1), slash + 1
  end
  return path:sub(from), #path + 2
end

---The route for the path from `from` on.
function search(node, method, path, from, values)
  local segment, behind = segment_at(path, from)
  local literal_node, parameter = node.literals[segment], node.parameter
  local route
  if literal_node then
    route = enter(literal_node, method, path, behind, values)
  end
  if not route and parameter and segment ~= "" then
    route = enter_parameter(parameter, segment, method, path, behind, values)
  end
  if not route then
    route = route_of(node.rest, method)
    if route then -- all that follows
      values[#values + 1] = path:sub(from)
    end
  end
  return route
end

---Adds to `places` those for the path from `from` on, whatever the method.
local function collect(node, path, from, places)
  if from > #path + 1 then
    places[#places + 1] = node.methods
    return
  end
  local segment, behind = segment_at(path, from)
  if node.literals[segment] then
    collect(node.literals[segment], path, behind, places)
  end
  if node.parameter and segment ~= "" then
    collect(node.parameter, path, behind, places)
  end
  places[#places + 1] = node.rest
end

---The field Allow of several places.
local function allow_of_all(places)
  local methods = {}
  for _, missed in ipairs(places) do
    for name in pairs(missed.by) do
      methods[name] = true
    end
  end
  return #places > 0 and allow_of(methods) or nil
end

---The parameters of a route by name; decoded, if the path is `coded`.
local function name_values(route, values, coded)
  local params = {}
  for i, name in ipairs(route.names) do
    local value = values[i]
    params[name] = coded and url.decode(value) or value
  end
  return params
end

---@class miniloop.http.router
---@field plain table<string, table<string, miniloop.http.route>> those without
---parameters, by method and path
---@field find fun(method: string, path: string): table?, any, string?
---@field allow string the methods that there are at all

---Makes a router of a table of routes. Raises a text for a route that is none.
---@param list table<string, function>
---@return miniloop.http.router
function routes.new(list)
  local root, plain, every = node_new(), {}, {}
  for text, handler in pairs(list) do
    add(root, text, handler)
  end
  finish(root, "", plain, every)

  ---The route of a method and a path, with its parameters, if it has any, by
  ---name, and the last of them as it was sent. nil, and the field Allow, where
  ---only other methods are answered; nil where there is nothing.
  local function find(method, path)
    local values, coded = {}, path:find("%", 1, true)
    path = coded and normalize(path) or path
    local route = search(root, method, path, 2, values)
    if not route then
      local places = {}
      collect(root, path, 2, places)
      return nil, allow_of_all(places)
    elseif values[1] then
      local params = name_values(route, values, coded)
      return route, params, values[#values]
    end
    return route
  end

  return { find = find, plain = plain, allow = allow_of(every) }
end

---Makes a router of a function that answers to all.
---@param handler function
---@return miniloop.http.router
function routes.all(handler)
  local route = route_new(handler, "*")
  return {
    find = function()
      return route
    end,
    plain = {},
    allow = "GET, HEAD, OPTIONS, POST, PUT, DELETE",
  }
end

---What serves: a table of routes, or a function. Raises at `level` for what is
---neither.
---@param what table|function
---@param level integer
---@return miniloop.http.router
function routes.router(what, level)
  if is_callable(what) then
    return routes.all(what)
  elseif type(what) ~= "table" then
    error(("bad argument #2 to 'serve' (a function or a table of routes "
      .. "expected, got %s)"):format(type(what)), level + 1)
  end
  local ok, router = pcall(routes.new, what)
  if not ok then
    error(router, core.iserror(router) and 0 or level + 1)
  end
  return router
end

return routes
