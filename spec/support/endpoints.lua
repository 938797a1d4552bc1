-- Addresses at which nothing good happens.

local net = require "miniloop.net"

local endpoints = {}

-- An address at which nobody listens.
function endpoints.refused(host)
  local listener <close> = assert(net.listen((host or "127.0.0.1") .. ":0"))
  return listener:address()
end

local silent_meta = {}

function silent_meta.__close(silent)
  silent.listener:close()
  for _, conn in ipairs(silent.waiting) do
    conn:close()
  end
end

-- An address that does not answer: its listener has no room for a further
-- connection, which two in a row have found. { address =, listener = }, to be
-- closed.
function endpoints.silent(host)
  local listener = assert(net.listen((host or "127.0.0.1") .. ":0",
    { backlog = 1 }))
  local silent = setmetatable({
    address = listener:address(), listener = listener, waiting = {},
  }, silent_meta)
  local in_vain = 0
  repeat
    local conn, err = net.connect(silent.address, { timeout = 0 })
    assert(conn or err.code == "ETIMEDOUT", tostring(err))
    in_vain = conn and 0 or in_vain + 1
    table.insert(silent.waiting, conn)
  until in_vain == 2
  return silent
end

return endpoints
