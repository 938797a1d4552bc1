-- Both ends of a WebSocket at once, driven by the input: messages, closings,
-- raw bytes of a bad peer, kills and cancellations. Nothing may raise what is
-- no error of ours, and when all is over, no task is left waiting.

local connection = require "miniloop.websocket.connection"
local ml = require "miniloop"
local net = require "miniloop.net"
local options_of = require "miniloop.websocket.options"

-- What may go wrong, for a peer's sake or for that of who was ended.
local known = {
  ECONNRESET = true, EPIPE = true, EBADF = true, ETIMEDOUT = true,
  EPROTO = true, EILSEQ = true, EMSGSIZE = true, ECONNABORTED = true,
  ECANCELED = true,
}

local function check(value, err)
  if value == nil and err ~= nil and not (ml.iserror(err) and known[err.code])
  then
    error(tostring(err), 0)
  end
  return value
end

local function open(conn, client, how)
  local options = {
    maxmessage = 500, close_timeout = 1, ping = how % 3 == 0 and 2 or nil,
    fragment = how % 2 == 0 and 20 or nil,
  }
  return connection.new(conn, client, options_of.messages(client, options),
    options)
end

-- Bytes of text, an even number of which is whole characters.
local plenty = ("\xC3\xA4"):rep(255)

-- Each takes the WebSocket, the stream below it, and a number from the input.
local acts = {
  function(ws, _, n)
    check(ws:send(plenty:sub(1, n * 2), "binary", 3))
  end,
  function(ws, _, n)
    check(ws:send(plenty:sub(1, n * 2), "text", n % 2 + 1))
  end,
  function(ws, _, n)
    check(ws:recv(n % 4))
  end,
  function(ws)
    for _ = 1, 3 do
      check(ws:recv(1))
    end
  end,
  function(ws, _, n)
    check(ws:close(n % 2 == 0 and 1000 or 3000 + n, "bye"))
  end,
  function(_, conn, n) -- a peer that breaks the rules
    conn:writesome(string.char(n, n ~ 0x55, 3, 1, 4, 1, 5))
  end,
  function(_, conn)
    conn:close()
  end,
  function(_, conn)
    conn:shutdown "write"
  end,
  function(ws)
    local _ <close> = ws
    check(ws:recv(1))
  end,
  function()
    ml.sleep(1)
  end,
}

-- Ends one of the tasks.
local function strike(tasks, how, n)
  local task = tasks[n % math.max(#tasks, 1) + 1]
  if task and how % 2 == 0 then
    task:kill()
  elseif task then
    task:cancel()
  end
end

-- Two bytes are an act of one end, or the end of a task.
local function start(bytes, ends)
  local tasks = {}
  for at = 1, #bytes - 1, 2 do
    local what, n = bytes:byte(at, at + 1)
    local one = ends[what % 2 + 1]
    local which = what // 2 % (#acts + 3) + 1
    if acts[which] then
      tasks[#tasks + 1] = ml.spawn(acts[which], one[1], one[2], n)
    else
      strike(tasks, which, n)
    end
    if n % 3 == 0 then
      ml.yield()
    end
  end
  return tasks
end

-- Longer than all times that acts may take together.
local function finish(task)
  local ok, err = task:wait(1000)
  if ok then
    return
  elseif err.code == "ETIMEDOUT" then
    error("a task waits for ever", 0)
  elseif err.code == "EFAILED" then
    local value = err.value
    if not (ml.iserror(value) and known[value.code]) then
      error(tostring(value) .. "\n" .. tostring(err.traceback), 0)
    end
  end
end

local function main(bytes)
  local near, far = net.pair()
  local tasks = start(bytes, {
    { open(near, false, #bytes), near }, { open(far, true, #bytes // 2), far },
  })
  for _, task in ipairs(tasks) do
    finish(task)
  end
  near:close()
  far:close()
end

return function(bytes)
  ml.run(function()
    main(bytes:sub(1, 200))
  end, { clock = "virtual", poller = "select" })
  collectgarbage "step"
end
