-- Requests of HTTP and WebSockets, plain and by TLS, that are cut off anywhere:
-- by a timeout, by a kill of the client's task or of the server's, by a reset.
-- Those that are let live have right answers, and in the end nothing is left.
--
--   ./dev torture web [REQUESTS] [--seed=N]

package.path = "?.lua;" .. package.path

local certificates = require "spec.support.certificates"
local core = require "miniloop.core"
local http = require "miniloop.http"
local ml = require "miniloop"
local process = require "spec.torture.lib.process"
local verdict = require "spec.torture.lib.verdict"
local websocket = require "miniloop.websocket"
local words = require "spec.torture.lib.words"

local AT_ONCE = 16
local LONGEST = 0.01 -- seconds until the cut

local options, rest = words.options(arg, { seed = "number" },
  "usage: ./dev torture web [REQUESTS] [--seed=N]")
local requests = words.count(rest[1], "REQUESTS", 20000)
local seed = options.seed or os.time()
math.randomseed(seed)
print(("--seed=%d"):format(seed))

-- ------------------------------------------------------------------ the server

local large = ("0123456789abcdef"):rep(16384)

local function doomed(f)
  return function(req, res)
    local task = ml.self()
    ml.detach(function()
      ml.sleep(math.random() * LONGEST)
      task:kill()
    end)
    return f(req, res)
  end
end

local function stream(_, res)
  for _ = 1, 16 do
    res:write(large:sub(1, 16384))
    ml.yield()
  end
end

local function shout(req)
  local ws = req:websocket()
  for message in ws:messages() do
    ws:send(message:upper())
  end
end

local function quiet() end -- what is cut off is no news here

local routes = {
  ["GET /hello"] = function() return "hello\n" end,
  ["GET /large"] = function() return large end,
  ["GET /stream"] = stream,
  ["POST /echo"] = function(req) return req:body() end,
  ["GET /shout"] = shout,
  ["GET /doomed/large"] = doomed(function() return large end),
  ["GET /doomed/stream"] = doomed(stream),
  ["GET /doomed/shout"] = doomed(shout),
}

local key = certificates.of "server"
local plain = assert(http.serve("127.0.0.1:0", routes, { on_error = quiet }))
local secure = assert(http.serve("127.0.0.1:0", routes,
  { on_error = quiet, tls = key }))
local client = http.client { tls = { ca = certificates.path "ca.pem" } }

-- ----------------------------------------------------------------- requests

local right = 0

local function expect(good)
  assert(good, "a wrong answer")
  right = right + 1
end

-- A server is killed with its client's patience, so errors of the world are
-- all right: what is looked at is that there are no wrong answers.
local kinds = {}

function kinds.get(base)
  local res = client:get(base .. "/hello")
  expect(not res or res.body == "hello\n")
end

function kinds.large(base)
  local res = client:get(base .. "/large")
  expect(not res or res.body == large)
end

function kinds.stream(base)
  local res = client:get(base .. "/stream")
  local text = res and res.body
  expect(not text or text == large)
end

function kinds.post(base)
  local body = large:sub(1, math.random(#large))
  local res = client:post(base .. "/echo", { body = body })
  expect(not res or res.body == body)
end

function kinds.dropped(base)
  local res = client:get(base .. "/large", { stream = true })
  local piece = res and res:read(1000)
  expect(not piece or piece == large:sub(1, #piece))
end -- the rest is left to the collector

function kinds.in_pieces(base)
  local res = client:get(base .. "/stream", { stream = true })
  local at = 0
  while res do
    local piece = res:read(math.random(40000))
    if not piece then
      break
    end
    expect(piece == large:sub(at + 1, at + #piece))
    at = at + #piece
  end
end

function kinds.doomed(base)
  local path = math.random(2) == 1 and "/doomed/large" or "/doomed/stream"
  local res = client:get(base .. path)
  local text = res and res.body
  expect(not text or #text <= #large)
end

function kinds.websocket(base)
  local path = math.random(3) == 1 and "/doomed/shout" or "/shout"
  local ws <close> = websocket.connect(base:gsub("^http", "ws") .. path,
    { tls = { ca = certificates.path "ca.pem" } })
  for i = 1, ws and 5 or 0 do
    local text = ("message %d"):format(i)
    local answer = ws:send(text) and ws:recv(1)
    expect(not answer or answer == text:upper())
  end
end

local names = {}
for name in pairs(kinds) do
  table.insert(names, name)
end
table.sort(names)

local function request()
  local server, scheme = plain, "http://"
  if math.random(3) == 1 then
    server, scheme = secure, "https://"
  end
  kinds[names[math.random(#names)]](scheme .. server:address())
end

local cuts = {
  request, -- none
  function() ml.timeout(math.random() * LONGEST, request) end,
  function()
    local task = ml.spawn(request)
    ml.sleep(math.random() * LONGEST)
    task:kill()
  end,
  function()
    local task = ml.spawn(request)
    ml.sleep(math.random() * LONGEST)
    task:cancel()
    task:wait()
  end,
}

local function crowd(count)
  ml.group(function(g)
    for _ = 1, AT_ONCE do
      g:spawn(function()
        while count > 0 do
          count = count - 1
          cuts[math.random(#cuts)]()
        end
      end)
    end
  end)
end

-- ----------------------------------------------------------------- the run

local this = process.this()

local function settle()
  client:close()
  client = http.client { tls = { ca = certificates.path "ca.pem" } }
  local stop, last, open = ml.now() + 10
  repeat
    collectgarbage() -- answers that were dropped hold their connections
    ml.sleep(0.05)
    last, open = open, this:descriptors()
  until #ml.tasks() <= 3 and open == last or ml.now() > stop
  collectgarbage()
  assert(core.check())
  return { tasks = #ml.tasks(), open = open, memory = this:memory() }
end

crowd(math.min(requests, 2000))
local before, start, had = settle(), ml.now(), right
crowd(requests)
local seconds = ml.now() - start
local after = settle()
print(("%d requests in %.1f s, %d answers were looked at"):format(requests,
  seconds, right - had))
verdict.at_most("tasks left", after.tasks - before.tasks, 0, "")
verdict.at_most("descriptors left", after.open - before.open, 0, "")
print(("        memory: %d KiB before, %d KiB after"):format(before.memory,
  after.memory))
verdict.holds(plain:stop(1) and secure:stop(1), "the servers stop")
verdict.finish()
