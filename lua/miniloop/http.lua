---HTTP/1.1 (RFC 9110, 9112): a server; and the client of miniloop.http.client.
---@class miniloop.http
local http = {}

local core = require "miniloop.core"
local misuse = require "miniloop.misuse"
local server = require "miniloop.http.server"

---@class miniloop.http.limits
---@field line integer?     bytes of the request line; 8 KiB
---@field head integer?     bytes of the whole head; 32 KiB
---@field fields integer?   header fields; 100
---@field body integer?     bytes of a body that is read at once; 1 MiB
---@field upload integer?   bytes of a body that is read by pieces; 1 GiB
---@field first number?     seconds until the first byte of a connection; 10
---@field idle number?      seconds until that of another request; 60
---@field head_time number? seconds for a head, from its first byte on; 10
---@field body_time number? seconds for a body, beyond what its bytes earn; 30
---@field rate number?      bytes of the body that earn one second more; 1024
---@field write number?     seconds that a client may take nothing; 30

---@class miniloop.http.serve_options : miniloop.net.serve_options
---@field limits miniloop.http.limits?
---@field log boolean|file*|fun(entry: miniloop.http.entry)|nil
---@field on_error function? called with the error, the request, a traceback

---What it returns is the answer: see miniloop.http.answer.
---@alias miniloop.http.handler
---| fun(req: miniloop.http.request, res: miniloop.http.response): any, any, any

---Serves HTTP on an address: one function for all requests, or one for each
---route.
---@param address miniloop.net.address|miniloop.net.listener
---@param handler miniloop.http.handler|table<string, miniloop.http.handler>
---@param options miniloop.http.serve_options?
---@return miniloop.net.server? server
---@return miniloop.error? err
function http.serve(address, handler, options)
  core.place("serve", false)
  if options ~= nil and type(options) ~= "table" then
    misuse.mismatch(options, 3, "serve", "table")
  end
  local self, err = server.serve(address, handler, options or {}, 3)
  return self, err -- no tail call: the caller's line is counted from here
end

---A handler that answers with files: see miniloop.http.static.
---@param folder string
---@param options miniloop.http.static_options?
---@return miniloop.http.handler
function http.static(folder, options)
  local handler = require "miniloop.http.static".new(folder, options)
  return handler -- no tail call, as above
end

-- What its first use costs is not for servers to pay: the client is loaded when
-- one of its functions is asked for.
local of_client = {
  client = true, close = true, delete = true, get = true, head = true,
  jar = true, patch = true, post = true, put = true, request = true,
}

return setmetatable(http, {
  __index = function(_, key)
    if of_client[key] then
      http[key] = require "miniloop.http.client"[key]
      return http[key]
    end
    local names = {}
    for name in pairs(http) do
      names[name] = true
    end
    for name in pairs(of_client) do
      names[name] = true
    end
    error(core.unknown("miniloop.http", key, names), 2)
  end,
})
