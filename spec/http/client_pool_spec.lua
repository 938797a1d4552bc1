-- Connections that are kept: how many, for how long, and what happens when the
-- server has closed one meanwhile.

local lfs = require "lfs"
local lu = require "luaunit"
local ml = require "miniloop"
local peer = require "spec.support.http_peer"

local spec = {}

-- A server that tells the number of the connection, and of its request.
local function counting(options)
  local count = 0
  local numbers = setmetatable({}, { __mode = "k" })
  local url, server = peer.serve(function(conn, head, _, n)
    if n == 1 then
      count = count + 1
      numbers[conn] = count
    end
    if options and options.before
      and options.before(head, numbers[conn], n) == false then
      return false
    end
    conn:write(peer.answer(("%d.%d"):format(numbers[conn], n),
      options and options.fields))
    return not (options and options.closes)
  end)
  return url, server
end

local function descriptors()
  local n = 0
  for _ in lfs.dir("/proc/self/fd") do
    n = n + 1
  end
  return n
end

function spec.test_a_connection_carries_one_request_after_the_other()
  local url, server <close> = counting()
  local client <close> = peer.client()
  for i = 1, 5 do
    lu.assertEquals(client:get(url).body, "1." .. i)
  end
  lu.assertEquals(client:post(url, { body = "x" }).body, "1.6")
  lu.assertNotNil(server)
end

function spec.test_requests_at_once_have_connections_of_their_own()
  local url, server <close> = counting { before = function()
    ml.sleep(0.01)
  end }
  local client <close> = peer.client { keep = 2 }
  local list = {}
  for i = 1, 4 do
    list[i] = url
  end
  local bodies = ml.map(list, function(page)
    return client:get(page).body
  end)
  table.sort(bodies)
  lu.assertEquals(table.concat(bodies, " "), "1.1 2.1 3.1 4.1")
  local before = descriptors()
  client:close()
  lu.assertEquals(before - descriptors(), 2) -- no more were kept
  lu.assertNotNil(server)
end

function spec.test_there_is_a_limit_for_each_server()
  local now, most = 0, 0
  local url, server <close> = counting { before = function()
    now = now + 1
    most = math.max(most, now)
    ml.sleep(0.002)
    now = now - 1
  end }
  local client <close> = peer.client { limit = 3 }
  local list = {}
  for i = 1, 20 do
    list[i] = url
  end
  local bodies, errs = ml.map(list, function(page)
    return client:get(page).body
  end)
  lu.assertEquals(errs, {})
  lu.assertEquals(#bodies, 20)
  lu.assertEquals(most, 3)
  local other, second <close> = counting() -- it has a limit of its own
  lu.assertEquals(client:get(other).body, "1.1")
  lu.assertNotNil(server)
  lu.assertNotNil(second)
end

function spec.test_a_place_is_free_again_however_a_request_ends()
  local url, server <close> = counting { before = function(head)
    if head:find("/slow") then
      ml.sleep(60)
    end
  end }
  local client <close> = peer.client { limit = 1 }
  local _, err = client:get(url .. "/slow", { timeout = 0.01 })
  lu.assertEquals(err.code, "ETIMEDOUT")
  local killed = ml.spawn(client.get, client, url .. "/slow")
  local waiting = ml.spawn(client.get, client, url .. "/slow")
  ml.sleep(0.01)
  waiting:kill()
  killed:kill()
  lu.assertEquals(client:get(url).status, 200)
  local stream = client:get(url, { stream = true })
  stream:close()
  lu.assertEquals(client:get(url).status, 200)
  client:get(url, { stream = true })
  stream = nil -- luacheck: ignore
  for _ = 1, 20 do
    collectgarbage()
  end
  lu.assertEquals(client:get(url, { timeout = 5 }).status, 200)
  lu.assertNotNil(server)
end

function spec.test_who_closes_is_not_asked_again()
  local url, server <close> = counting { fields = "Connection: close\r\n" }
  local client <close> = peer.client()
  lu.assertEquals(client:get(url).body, "1.1")
  lu.assertEquals(client:get(url).body, "2.1")
  lu.assertNotNil(server)
end

function spec.test_a_connection_that_was_closed_meanwhile_is_not_used()
  local url, server <close> = counting { closes = true }
  local client <close> = peer.client()
  for i = 1, 3 do
    local res, err = client:post(url, { body = "x" })
    lu.assertEquals({ res and res.body, err }, { i .. ".1" })
    ml.sleep(0.005) -- for the end of the connection to come
  end
  lu.assertNotNil(server)
end

-- The server reads a second request and closes without a word, as one does
-- whose patience ended at the same moment.
local function impatient()
  return counting { before = function(_, number, n)
    return not (n == 2 and number == 1)
  end }
end

function spec.test_what_can_be_sent_twice_is()
  for _, method in ipairs { "get", "put", "delete" } do
    local url, server <close> = impatient()
    local client <close> = peer.client()
    client:get(url)
    lu.assertEquals(client[method](client, url, { body = "x" }).body, "2.1")
    lu.assertNotNil(server)
  end
end

function spec.test_what_cannot_be_sent_twice_is_not()
  for _, method in ipairs { "post", "patch" } do
    local url, server <close> = impatient()
    local client <close> = peer.client()
    client:get(url)
    local res, err = client[method](client, url, { body = "x" })
    lu.assertNil(res)
    lu.assertEquals(err.code, "ECONNRESET")
    lu.assertNotNil(server)
  end
end

function spec.test_a_request_is_sent_twice_at_most()
  local requests = 0
  local url, server <close> = peer.serve(function(conn, _, _, n)
    requests = requests + 1
    if n == 1 and requests == 1 then
      conn:write(peer.answer("first"))
      return true
    end
    return false
  end)
  local client <close> = peer.client()
  client:get(url)
  local res, err = client:get(url)
  lu.assertNil(res)
  lu.assertEquals({ err.code, requests }, { "ECONNRESET", 3 })
  lu.assertNotNil(server)
end

function spec.test_a_new_connection_that_closes_is_an_error()
  local requests = 0
  local url, server <close> = peer.serve(function()
    requests = requests + 1
    return false
  end)
  local client <close> = peer.client()
  local _, err = client:get(url)
  lu.assertEquals({ err.code, requests }, { "ECONNRESET", 1 })
  lu.assertNotNil(server)
end

function spec.test_idle_connections_do_not_stay()
  local url, server <close> = counting()
  local client <close> = peer.client { idle = 0 }
  lu.assertEquals(client:get(url).body, "1.1")
  ml.sleep(0.001)
  lu.assertEquals(client:get(url).body:match("%d"), "1") -- for a second
  local never <close> = peer.client { keep = 0 }
  lu.assertEquals(never:get(url).body, "2.1")
  lu.assertEquals(never:get(url).body, "3.1")
  lu.assertNotNil(server)
end

-- C3.6, C5.6: whatever ends a request in the middle ends its connection.
function spec.test_a_request_that_is_cut_off_leaves_nothing()
  local here = ml.channel()
  local url, server <close> = peer.serve(function(conn)
    conn:write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
    here:send(true)
    lu.assertNil((conn:recv())) -- the client has left
    here:send("gone")
    return false
  end)
  local client <close> = peer.client()
  for _, name in ipairs { "kill", "cancel" } do
    local task = ml.spawn(function()
      client:get(url)
    end)
    here:recv()
    task[name](task)
    lu.assertEquals(here:recv(5), "gone", name)
    lu.assertEquals(select(2, task:wait()).code, "ECANCELED")
  end
  local res, err = ml.timeout(0.01, client.get, client, url)
  lu.assertNil(res)
  lu.assertEquals({ err.code, err.op }, { "ETIMEDOUT", "timeout" })
  here:recv()
  lu.assertEquals(here:recv(5), "gone")
  lu.assertNotNil(server)
end

return spec
