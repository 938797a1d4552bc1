-- The listener of a server was closed by the server's own task. When that never
-- ran, because its group failed or it was killed before, or because there was
-- no memory to begin with, the listener stayed open: clients were let in and
-- waited for ever. Now it is closed when the task ends, however that may be.

local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"

local spec = {}

local function check_refused(address)
  local conn, err = net.connect(address)
  if conn then
    conn:close()
  end
  lu.assertNil(conn)
  lu.assertEquals(err.code, "ECONNREFUSED")
end

function spec.test_a_group_that_fails_before_its_server_ran()
  local server
  lu.assertFalse(pcall(ml.group, function()
    server = assert(net.serve("127.0.0.1:0", error))
    error "before it has run"
  end))
  check_refused(server:address())
end

function spec.test_a_server_that_is_killed_before_it_ran()
  local server = assert(net.serve("127.0.0.1:0", error))
  for _, info in ipairs(ml.tasks()) do
    if info.id > ml.id() then
      ml.kill(info.id)
    end
  end
  check_refused(server:address())
end

-- The task has ended before its server is there.
function spec.test_a_group_that_is_cancelled_before_its_server_starts()
  local server
  ml.group(function(g)
    g:cancel()
    pcall(ml.sleep, 1)
    server = assert(net.serve("127.0.0.1:0", error))
  end)
  check_refused(server:address())
end

function spec.test_who_waits_for_it_finds_the_listener_closed()
  local listener = assert(net.listen "127.0.0.1:0")
  local server
  pcall(ml.group, function()
    server = assert(net.serve(listener, error))
    error "before it has run"
  end)
  server:join()
  local _, err = listener:accept()
  lu.assertEquals(err.code, "EBADF")
end

return spec
