-- Echo with callbacks, as luv's own examples have it. luv turns Nagle's
-- algorithm off when asked; a server that answers at once does.
local uv = require "luv"

local server = uv.new_tcp()
assert(server:bind("127.0.0.1", tonumber(arg[1])))
assert(server:listen(4096, function(err)
  assert(not err, err)
  local client = uv.new_tcp()
  server:accept(client)
  client:nodelay(true)
  client:read_start(function(failure, bytes)
    if failure or not bytes then
      client:close()
    else
      client:write(bytes)
    end
  end)
end))
uv.run()
