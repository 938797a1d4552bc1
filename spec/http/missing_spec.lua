-- A server where libraries of the system are missing: that is a fault of its
-- own, which is reported, and nothing that a client did wrong.

local lu = require "luaunit"
local core = require "miniloop.core"
local http = require "miniloop.http"
local json = require "miniloop.json"

local spec = {}

function spec.after_each()
  http.close()
end

-- The status of an answer, and what was reported, while a function of a module
-- says that its library is missing.
local function without(module, name, handler, ask)
  local present, told = module[name], nil
  local _ <close> = setmetatable({}, { __close = function()
    module[name] = present
  end })
  module[name] = function()
    return nil, core.error("ENOTSUP", name, nil, "built without it")
  end
  local server <close> = assert(http.serve("127.0.0.1:0", handler, {
    on_error = function(err)
      told = err
    end,
  }))
  local res = assert(ask("http://" .. server:address()))
  return res.status, told and told.code, tostring(told)
end

function spec.test_json_that_cannot_be_read_here_is_500()
  local status, code = without(json, "decode", function(req)
    return assert(req:json())
  end, function(url)
    return http.post(url, { body = "[1]" })
  end)
  lu.assertEquals({ status, code }, { 500, "ENOTSUP" })
end

function spec.test_a_websocket_that_cannot_be_had_here_is_501()
  local status, code, text = without(core.websocket, "new", function(req)
    local ws = req:websocket()
    ws:send "never"
  end, http.get)
  lu.assertEquals({ status, code }, { 501, "ENOTSUP" })
  lu.assertStrContains(text, "built without it")
end

return spec
