-- See miniloop.lua beside it. An error of a task comes out of the loop.

os.getenv "PEERS_BEGIN"

local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local ticks = 0
local replies = 0

-- Errors are values here, and no exceptions.
local function plain(sock)
  sock:onerror(function(_, _, code)
    return code
  end)
  return sock
end

local function serve(conn)
  while true do
    local line = conn:read "*l"
    if not line then
      break
    end
    assert(conn:write("got ", line, "\n"))
    assert(conn:flush())
  end
  conn:close()
end

local function ask(port, word)
  local conn = plain(assert(socket.connect("127.0.0.1", port)))
  assert(conn:connect())
  assert(conn:write(word, "\n"))
  assert(conn:flush())
  assert(assert(conn:read "*l") == "got " .. word)
  conn:close()
  replies = replies + 1
end

local function tick(i)
  cqueues.sleep(i / 1000)
  ticks = ticks + 1
end

local function main(loop)
  local server = plain(assert(socket.listen("127.0.0.1", 0)))
  assert(server:listen())
  local _, _, port = server:localname()
  loop:wrap(function()
    for _ = 1, 3 do
      loop:wrap(serve, plain(assert(server:accept())))
    end
    server:close()
  end)
  for i = 1, 3 do
    loop:wrap(tick, i)
    loop:wrap(ask, port, "word " .. i)
  end
  assert(not coroutine.resume(coroutine.create(error), "a task raises"))
end

local ok, err = pcall(function()
  local loop = cqueues.new()
  main(loop)
  assert(loop:loop())
end)
os.getenv "PEERS_END"
assert(ok, err)
assert(replies == 3 and ticks == 3, "wrong")
print "right"
