-- Redirects (RFC 9110, 15.4): where they lead, and what does not go along.

local lu = require "luaunit"
local peer = require "spec.support.http_peer"

local spec = {}

-- A server that sends "/NNN/rest" with status NNN to "/rest", or to where the
-- query says, and shows any other request.
local function redirector()
  return peer.serve(function(conn, head, body)
    local status, rest = head:match("^%S+ /(3%d%d)(%S*)")
    local to = head:match("^%S+ %S*%?to=(%S+)")
    if status then
      conn:write(peer.answer("moved", "Location: " .. (to or rest) .. "\r\n",
        status .. " Moved"))
    else
      conn:write(peer.answer(head .. "\n\n" .. body))
    end
  end)
end

function spec.test_redirects_are_followed()
  local url, server <close> = redirector()
  local client <close> = peer.client()
  for _, status in ipairs { "301", "302", "303", "307", "308" } do
    local res = client:get(url .. "/" .. status .. "/x")
    lu.assertEquals({ res.status, res.url, res.body:match("^%S+ %S+") },
      { 200, url .. "/x", "GET /x" })
  end
  local res = client:get(url .. "/302/301/307/end")
  lu.assertEquals(res.body:match("^%S+ %S+"), "GET /end")
  lu.assertNotNil(server)
end

function spec.test_locations_are_relative_to_the_request()
  local url, server <close> = redirector()
  local client <close> = peer.client()
  for to, target in pairs {
    ["y"] = "/302/a/y", ["../z?q"] = "/302/z?q", ["?p"] = "/302/a/?p",
    ["/ü"] = "/%C3%BC", ["//" .. url:match("//(.*)")] = "/",
    [url .. "/abs#frag"] = "/abs",
  } do
    local res, err = client:request {
      url = url .. "/302/a/?to=" .. to:gsub("%?", "%%3F"), redirects = 0,
    }
    lu.assertEquals(err, nil)
    lu.assertEquals(res.status, 302)
    -- The server says it as it is.
    local other, second <close> = peer.serve(function(conn, head)
      conn:write(head:find("^GET /302/a/ ")
        and peer.answer("", "Location: " .. to .. "\r\n", "302 Found")
        or peer.answer(head))
    end)
    if not to:find("//", 1, true) then
      lu.assertEquals(client:get(other .. "/302/a/").body:match("^%S+ (%S+)"),
        target)
    end
    lu.assertNotNil(second)
  end
  lu.assertNotNil(server)
end

function spec.test_methods_change_as_the_rfc_has_it()
  local url, server <close> = redirector()
  local client <close> = peer.client()
  local cases = {
    { "POST", 301, "GET" }, { "POST", 302, "GET" }, { "POST", 303, "GET" },
    { "POST", 307, "POST" }, { "POST", 308, "POST" }, { "PUT", 301, "PUT" },
    { "PUT", 303, "GET" }, { "DELETE", 302, "DELETE" },
  }
  for _, case in ipairs(cases) do
    local res = client:request {
      url = url .. "/" .. case[2] .. "/x", method = case[1], json = { 1 },
    }
    lu.assertEquals(res.body:match("^%S+"), case[3])
    local kept = case[1] == case[3]
    lu.assertEquals(res.body:find("Content-", 1, true) ~= nil, kept)
    lu.assertEquals(res.body:match("\n\n(.*)$"), kept and "[1]" or "")
  end
  lu.assertNotNil(server)
end

function spec.test_secrets_do_not_go_to_another_origin()
  local far, other <close> = redirector()
  local url, server <close> = redirector()
  local client <close> = peer.client { cookies = true }
  local headers = { authorization = "Bearer x", Cookie = "a=b", host = "me" }
  local own = client:get(url .. "/302/x", { headers = headers }).body
  lu.assertStrContains(own, "authorization: Bearer x")
  lu.assertStrContains(own, "Cookie: a=b")
  lu.assertStrContains(own, "Host: me\n")
  local foreign = client:get(url .. "/302?to=" .. far .. "/x",
    { headers = headers }).body
  lu.assertNotStrContains(foreign:lower(), "authorization")
  lu.assertNotStrContains(foreign:lower(), "cookie")
  lu.assertNotStrContains(foreign, "Host: me")
  local user = url:gsub("//", "//user:secret@")
  lu.assertStrContains(client:get(user .. "/302/x").body, "Authorization")
  lu.assertNotStrContains(client:get(user .. "/302?to=" .. far .. "/x").body,
    "Authorization")
  lu.assertNotNil(server)
  lu.assertNotNil(other)
end

function spec.test_a_circle_is_left_at_the_limit()
  local url, server <close> = peer.serve(function(conn)
    conn:write(peer.answer("", "Location: /\r\n", "302 Found"))
  end)
  local client <close> = peer.client()
  local res, err = client:get(url)
  lu.assertNil(res)
  lu.assertEquals({ err.code, err.op, err.reason },
    { "ELOOP", "redirect", "more than 10 redirects" })
  res, err = client:get(url, { redirects = 2 })
  lu.assertNil(res)
  lu.assertEquals(err.reason, "more than 2 redirects")
  lu.assertEquals(client:get(url, { redirects = 0 }).status, 302)
  lu.assertNotNil(server)
end

function spec.test_locations_that_lead_nowhere_are_told()
  local to
  local url, server <close> = peer.serve(function(conn)
    conn:write(peer.answer("", to, "302 Found"))
  end)
  local client <close> = peer.client()
  for location, code in pairs {
    ["file:///etc/passwd"] = "EPROTONOSUPPORT", ["http://"] = "EINVAL",
    ["http://a:b/"] = "EINVAL", ["javascript:1"] = "EINVAL",
  } do
    to = "Location: " .. location .. "\r\n"
    local res, err = client:get(url)
    lu.assertNil(res)
    lu.assertEquals({ err.code, err.op }, { code, "redirect" }, location)
  end
  to = ""
  lu.assertEquals(client:get(url).status, 302) -- to nowhere: it is the answer
  lu.assertNotNil(server)
end

function spec.test_a_body_that_is_used_up_cannot_go_on()
  local url, server <close> = redirector()
  local client <close> = peer.client()
  local function source()
    local pieces = { "a", "b" }
    return function()
      return table.remove(pieces, 1)
    end
  end
  local res = client:post(url .. "/307/x", { body = source() })
  lu.assertEquals(res.status, 307)
  res = client:post(url .. "/302/x", { body = source() })
  lu.assertEquals(res.body:match("^%S+ %S+"), "GET /x")
  lu.assertNotNil(server)
end

function spec.test_cookies_are_kept_on_the_way()
  local url, server <close> = peer.serve(function(conn, head)
    conn:write(head:find("^GET /login")
      and peer.answer("", "Location: /\r\nSet-Cookie: s=1\r\n", "303 See")
      or peer.answer(head))
  end)
  local client <close> = peer.client { cookies = true }
  lu.assertStrContains(client:get(url .. "/login").body, "Cookie: s=1")
  lu.assertNotNil(server)
end

return spec
