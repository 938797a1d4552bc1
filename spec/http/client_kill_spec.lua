-- Requests that are ended at any moment: after each number of turns there is
-- one, killed or cancelled there. Nothing of it is left; the client goes on.

local authority = require "spec.support.authority"
local lu = require "luaunit"
local ml = require "miniloop"
local peer = require "spec.support.http_peer"
local tls = require "miniloop.tls"

local spec = {}

-- A source of a body that takes its time.
local function slow_source()
  local left = 3
  return function()
    ml.yield()
    left = left - 1
    return left >= 0 and ("x"):rep(1000) or nil
  end
end

local requests = {
  get = function(client, url)
    return client:get(url)
  end,
  sent_in_pieces = function(client, url)
    return client:post(url, { body = slow_source() })
  end,
  long = function(client, url)
    return client:put(url, { body = ("x"):rep(80000) })
  end,
  read_in_pieces = function(client, url)
    local size = 0
    for piece in client:get(url, { stream = true }):chunks() do
      size = size + #piece
      ml.yield()
    end
    return size
  end,
  redirected = function(client, url)
    return client:get(url .. "/moved")
  end,
}

-- Ends a request after so many turns; whether it was through by then.
local function cut(request, client, url, turns, how)
  local task = ml.spawn(request, client, url)
  for _ = 1, turns do
    ml.yield()
  end
  local ended = task:status() == "done"
  task[how](task)
  task:wait()
  return ended
end

-- Comes in pieces, so that there are more moments.
local function answer(conn, head, body)
  local text = head:find("^GET /moved")
    and peer.answer("elsewhere", "Location: /\r\n", "302 Found")
    or peer.answer(("y"):rep(30000) .. #body)
  local at = 1
  for _, size in ipairs { 5, #text - 10, 5 } do
    conn:write(text:sub(at, at + size - 1))
    at = at + size
    ml.yield()
  end
end

-- Cuts each kind of request after each `step` turns, and in larger steps when
-- it takes many. What is left over must not be what the collector sees to.
local function try(make_client, url, step)
  collectgarbage("stop")
  local _ <close> = setmetatable({}, { __close = function()
    collectgarbage("restart")
  end })
  for _, how in ipairs { "kill", "cancel" } do
    for name, request in pairs(requests) do
      local client <close> = make_client()
      local turns = 0
      while not cut(request, client, url, turns, how) do
        turns = turns + math.max(step, turns // 20)
        lu.assertTrue(turns < 1000000, name)
      end
      lu.assertTrue(turns > 2, name)
      local res, err = client:get(url, { timeout = 5 })
      lu.assertEquals({ res and res.status, err }, { 200 }, name)
    end
  end
end

-- C3.6, C5.6
function spec.test_requests_can_be_cut_off_anywhere()
  local url, server = peer.serve(answer)
  try(function()
    return peer.client { limit = 1 }
  end, url, 1)
  lu.assertEquals({ server:stop(5) }, { true }) -- no connection is left
end

function spec.test_requests_over_tls_can_be_cut_off_anywhere()
  if not tls.available() then
    lu.skip("there is no OpenSSL")
  end
  local files = authority.files()
  local url, server = peer.serve(answer,
    { tls = { cert = files.cert, key = files.key } })
  local context = assert(tls.context { ca = files.ca })
  try(function()
    return peer.client { limit = 1, tls = context }
  end, "https" .. url:match(":.*"), 5) -- no name: that would take a thread
  lu.assertEquals({ server:stop(5) }, { true })
end

return spec
