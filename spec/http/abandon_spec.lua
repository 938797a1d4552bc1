-- A handler that does not end by itself: its task is killed, cancelled when the
-- server stops, or fails after the connection was handed to another protocol.

local lu = require "luaunit"
local ml = require "miniloop"
local http = require "miniloop.http"
local response = require "miniloop.http.response"
local upgrades = require "spec.support.upgrades"
local websocket = require "miniloop.websocket"
local wire = require "spec.http.wire"

local spec = {}

local request = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"

-- A server whose handler has begun to answer when `reached` is set.
local function serve(entries)
  local reached, task = ml.event(), {}
  local server = assert(http.serve("127.0.0.1:0", function(_, res)
    task.self = ml.self()
    res:write "begun"
    reached:set()
    ml.sleep(math.huge)
  end, { log = entries and function(entry) table.insert(entries, entry) end }))
  return server, reached, task
end

-- C3.6
function spec.test_a_handler_that_is_killed_leaves_nothing_behind()
  local entries = {}
  local server <close>, reached, task = serve(entries)
  local before = response.live
  local client = ml.spawn(wire.exchange, server:address(), request)
  reached:wait()
  lu.assertEquals(response.live, before + 1)
  task.self:kill()
  lu.assertStrContains(select(2, client:wait()), "begun")
  lu.assertEquals(response.live, before)
  lu.assertEquals({ #entries, entries[1].target, entries[1].status },
    { 1, "/slow", 200 })
end

function spec.test_a_server_that_stops_leaves_nothing_behind()
  local entries = {}
  local server, reached = serve(entries)
  local before = response.live
  local client = ml.spawn(wire.exchange, server:address(), request)
  reached:wait()
  lu.assertEquals(select(2, server:stop(0)).code, "ETIMEDOUT")
  lu.assertStrContains(select(2, client:wait()), "begun")
  lu.assertEquals(response.live, before)
  lu.assertEquals(#entries, 1)
end

-- RFC 6455, 7.4.1: "an endpoint is going away".
function spec.test_a_websocket_is_told_that_the_server_goes_away()
  for _, how in ipairs { "kill", "stop" } do
    local reached, task = ml.event(), nil
    local server <close> = assert(upgrades.serve(function(ws)
      task = ml.self()
      reached:set()
      ws:recv()
    end, { close_timeout = 1 }))
    local ws <close> = assert(websocket.connect("ws://" .. server:address()))
    reached:wait()
    local _ = how == "kill" and task:kill() or ml.spawn(server.stop, server, 0)
    local message, err = ws:recv(5)
    lu.assertEquals({ message, err, ws.code }, { nil, nil, 1001 })
  end
end

function spec.test_a_connection_that_was_upgraded_is_logged_however_it_ends()
  local entries = {}
  local server <close> = assert(upgrades.serve(function(ws)
    if ws:recv() == "bug" then
      error "oops"
    end
  end, nil, {
    log = function(entry) table.insert(entries, entry.status) end,
    on_error = function() end,
  }))
  for _, text in ipairs { "bug", "fine" } do
    local ws <close> = assert(websocket.connect("ws://" .. server:address()))
    ws:send(text)
    ws:recv()
  end
  server:stop(1)
  lu.assertEquals(entries, { 101, 101 })
end

return spec
