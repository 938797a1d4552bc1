-- The examples that speak HTTP to others.

local authority = require "spec.support.authority"
local example = require "spec.examples.example"
local lu = require "luaunit"
local net = require "miniloop.net"
local peer = require "spec.support.http_peer"
local tls = require "miniloop.tls"

local spec = {}

local free = "127.0.0.1:0"

-- What a process prints, read without blocking the servers of the test.
local function output(name, args)
  local process <close> = example.start(name, args)
  local out <close> = assert(net.stream(process.pipe))
  return out:read("a")
end

local function sorted(text)
  local lines = {}
  for line in text:gmatch("[^\n]+") do
    lines[#lines + 1] = line
  end
  table.sort(lines)
  return lines
end

function spec.test_the_crawler_finds_all_pages_of_a_server()
  local pages = {
    ["/"] = '<a href="a">a</a> <a href="/b#x">b</a> <a href="http://x.y/">',
    ["/a"] = '<a href="/">home</a> <a href="./c">',
    ["/b"] = '<a href="/a">a</a> <a href="/none">',
    ["/c"] = "the end",
  }
  local url, server <close> = peer.serve(function(conn, head)
    local body = pages[head:match("^GET (%S+)")]
    conn:write(body and peer.answer(body, "Content-Type: text/html\r\n")
      or peer.answer("", nil, "404 Not Found"))
  end)
  local expected = { url .. "/none\t404\t0" }
  for path, body in pairs(pages) do
    table.insert(expected, ("%s%s\t200\t%d"):format(url, path, #body))
  end
  table.sort(expected)
  lu.assertEquals(sorted(output("26_crawler", { url, 2 })), expected)
  lu.assertEquals(#sorted(output("26_crawler", { url, 2, 3 })), 3)
  lu.assertNotNil(server)
end

function spec.test_the_https_client_believes_its_own_authority()
  if not tls.available() then
    lu.skip("there is no OpenSSL")
  end
  local files = authority.files()
  local url, server <close> = peer.serve(function(conn)
    conn:write(peer.answer("a secret", "Content-Type: text/plain\r\n"))
  end, { tls = { cert = files.cert, key = files.key } })
  url = "https://localhost:" .. url:match("%d+$")
  lu.assertEquals(output("27_https_client", { files.ca, url }),
    "200\ttext/plain\na secret\n")
  lu.assertStrContains(output("27_https_client", { "system", url }),
    "not to be believed: ")
  lu.assertNotNil(server)
end

-- A web server that tells what it was asked.
local function mirror(name)
  return peer.serve(function(conn, head, body)
    conn:write(peer.answer(name .. " " .. head:match("^[^\n]* HTTP")
      .. " " .. body, "Content-Type: text/x\r\nX: y\r\n"))
  end)
end

function spec.test_the_proxy_passes_requests_and_answers_on()
  local url, server <close> = mirror "there"
  local process <close>, address = example.serve("28_streaming_proxy",
    { free, url })
  local client <close> = peer.client { base = "http://" .. address }
  local res = client:get("/a?b")
  lu.assertEquals({ res.status, res.body, res.headers.x },
    { 200, "there GET /a?b HTTP ", "y" })
  local large = ("x"):rep(3 * 1024 * 1024)
  res = client:post("/", { body = large })
  lu.assertTrue(res.body == "there POST / HTTP " .. large)
  server:stop(0)
  lu.assertEquals(client:get("/").status, 502)
  lu.assertEquals(example.interrupt(process), "")
end

function spec.test_the_balancer_leaves_out_who_is_ill()
  local first, one <close> = mirror "one"
  local second, two <close> = mirror "two"
  local process <close>, address = example.serve("29_load_balancer",
    { free, "60", first, second })
  local client <close> = peer.client { base = "http://" .. address }
  local function names(n)
    local list = {}
    for i = 1, n do
      list[i] = client:post("/x", { body = "b" }).body:match("^%l+")
    end
    return table.concat(list, " ")
  end
  lu.assertEquals(names(4), "one two one two")
  two:stop(0)
  lu.assertEquals(client:get("/").body:match("^%l+"), "one")
  lu.assertEquals(client:get("/").body:match("^%l+"), "one")
  lu.assertEquals(names(3), "one one one")
  one:stop(0)
  lu.assertEquals(client:get("/").status, 502)
  local out = example.interrupt(process)
  lu.assertStrContains(out, second .. " is out: ")
  lu.assertStrContains(out, first .. " is out: ")
end

return spec
