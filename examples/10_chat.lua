-- A chat in which everybody hears everybody: one group of tasks per client, a
-- channel per client, and nobody outlives his connection.
--
--   ./dev run examples/10_chat.lua [address]     then: nc 127.0.0.1 8080
local ml, net = require "miniloop", require "miniloop.net"

local rooms = {}

local function tell_all(text, except)
  local inboxes = {} -- first all of them: a send may give way, and others come
  for conn, inbox in pairs(rooms) do
    inboxes[#inboxes + 1] = conn ~= except and inbox or nil
  end
  for _, inbox in ipairs(inboxes) do
    inbox:send(text, 0) -- who does not keep up misses it
  end
end

local server = assert(net.serve(arg[1] or "127.0.0.1:8080", function(conn)
  local inbox, name = ml.channel(100), conn:peer()
  rooms[conn] = inbox
  local _ <close> = setmetatable({}, { __close = function() -- on every path
    rooms[conn] = nil
    tell_all(name .. " left\n")
  end })
  tell_all(name .. " came\n", conn)
  ml.group(function(g)
    ml.spawn(function()
      for text in inbox:values() do
        conn:write(text)
      end
    end)
    for line in conn:lines() do
      tell_all(name .. ": " .. line .. "\n", conn)
    end
    g:cancel "left"
  end)
end))

print("chatting on " .. server:address())
server:join()
