-- Servers of one spec, stopped after each of its tests.

local lu = require "luaunit"
local net = require "miniloop.net"

local servers = {}

local last

---A server, until the test is over.
---@param handler fun(conn: miniloop.Stream)
---@param options table?
---@param where any? its address, or a listener; a free port, if nil
---@return miniloop.Server
function servers.serve(handler, options, where)
  last = assert(net.serve(where or "127.0.0.1:0", handler, options))
  return last
end

---For spec.after_each.
function servers.stop()
  if last then
    last:stop(0)
    last = nil
  end
end

---A connection to the server.
---@return miniloop.Stream
function servers.client()
  return assert(net.connect(last:address()))
end

---A handler that gives lines back.
---@param conn miniloop.Stream
function servers.echo(conn)
  for line in conn:lines() do
    conn:write(line, "\n")
  end
end

---@param conn miniloop.Stream of a server with that handler
function servers.assert_echoes(conn)
  lu.assertTrue(conn:write("word\n"))
  lu.assertEquals(conn:read(), "word")
end

---A handler that says that it is there and stays until its peer leaves.
---@param conn miniloop.Stream
function servers.stay(conn)
  conn:write("in\n")
  conn:read("a")
end

---A connection that is being served by that handler.
---@param server miniloop.Server? the last, if nil
---@return miniloop.Stream
function servers.guest(server)
  local conn = assert(net.connect((server or last):address()))
  assert(conn:read() == "in")
  return conn
end

return servers
