-- Echo with a coroutine for each connection, over luv's callbacks.
local uv = require "luv"

-- Two functions that wait, over read_start and write: what came before
-- somebody waited is kept in order.
local function wrap(client)
  local held, first, last = {}, 1, 0
  local ended, waiting = false, nil
  client:read_start(function(err, bytes)
    if err or not bytes then
      ended = true
    else
      last = last + 1
      held[last] = bytes
    end
    local co = waiting
    if co then
      waiting = nil
      assert(coroutine.resume(co))
    end
  end)
  local function read()
    if first > last and not ended then
      waiting = coroutine.running()
      coroutine.yield()
    end
    local bytes = held[first]
    if bytes then
      held[first] = nil
      first = first + 1
    end
    return bytes
  end
  local function write(bytes)
    local co = coroutine.running()
    client:write(bytes, function(err)
      assert(coroutine.resume(co, err))
    end)
    return coroutine.yield()
  end
  return read, write
end

local function serve(client)
  local read, write = wrap(client)
  for bytes in read do
    if write(bytes) then
      break
    end
  end
  client:close()
end

local server = uv.new_tcp()
assert(server:bind("127.0.0.1", tonumber(arg[1])))
assert(server:listen(4096, function(err)
  assert(not err, err)
  local client = uv.new_tcp()
  server:accept(client)
  client:nodelay(true)
  assert(coroutine.resume(coroutine.create(serve), client))
end))
uv.run()
