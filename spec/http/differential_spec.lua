-- Our parser and that of Node, on the same bytes: what we accept must be framed
-- as Node frames it. (Where we refuse and it does not, we are the stricter.)

local lu = require "luaunit"
local net = require "miniloop.net"
local core = require "miniloop.core"

local spec = {}

local root = (os.getenv("ML_SOURCE") or ".") .. "/spec/http/"
local families = {
  "chunks", "connections", "fields", "framing", "lines", "targets",
}

local function corpus()
  local list = {}
  for _, family in ipairs(families) do
    for _, case in ipairs(assert(loadfile(root .. "corpus/" .. family
      .. ".lua"))()) do
      list[#list + 1] = case[3]
    end
  end
  return list
end

-- ------------------------------------------------------------------- our side

local function hex(text)
  return (text:gsub(".", function(byte)
    return ("%02x"):format(byte:byte())
  end))
end

local function body_of(wire)
  local pieces = {}
  local piece, err
  repeat
    piece, err = wire:body()
    pieces[#pieces + 1] = piece
  until not piece
  return not err and table.concat(pieces)
end

-- The messages that we accept of the bytes, up to one behind which nothing may
-- follow.
local function accepted(bytes)
  local near, far = net.pair()
  local writer = require "miniloop".spawn(function()
    far:write(bytes)
    far:shutdown("write")
  end)
  local wire = core.http.wire(near)
  local list = {}
  repeat
    local req = wire:request()
    local body = req and body_of(wire)
    if body then
      list[#list + 1] = ("%s %s %s"):format(req.method, req.target, hex(body))
    end
  until not body or not wire:persistent()
  near:close()
  writer:wait()
  far:close()
  return list
end

-- ------------------------------------------------------------------ the oracle

-- What Node makes of them: a list of lists, each with its `error`.
local function ask(cases)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  for _, bytes in ipairs(cases) do
    file:write(#bytes, "\n", bytes)
  end
  file:close()
  local pipe <close> = assert(io.popen(("node %sdifferential/oracle.js <%s")
    :format(root, path)))
  local answers, list = {}, {}
  for line in pipe:lines() do
    if line == "." or line:sub(1, 1) == "!" then
      list.error = line:match("^! (.*)")
      answers[#answers + 1] = list
      list = {}
    else
      list[#list + 1] = line
    end
  end
  os.remove(path)
  return answers
end

local function has_node()
  local pipe <close> = assert(io.popen("node --version 2>/dev/null"))
  local version = pipe:read("l")
  return version and tonumber(version:match("^v(%d+)")) >= 18
end

-- Node knows a list of methods, and refuses the rest whatever their framing is.
local known = {
  GET = true, HEAD = true, POST = true, PUT = true, DELETE = true,
  OPTIONS = true, CONNECT = true, TRACE = true, PATCH = true,
}

local function is_known(line)
  return known[line:match("^%S+")]
end

-- Blanks around a value may be tabs (RFC 9110, 5.6.3). Node refuses them in two
-- fields, and there we follow the RFC.
local function is_tab_refused(bytes, err)
  return bytes:find("\t", 1, true) and (err == "HPE_INVALID_CONTENT_LENGTH"
    or err == "HPE_INVALID_TRANSFER_ENCODING")
end

-- Fails if a message that we accept is another one there.
local function compare(bytes, ours, theirs)
  for i, line in ipairs(ours) do
    if not is_known(line) or is_tab_refused(bytes, theirs.error) then
      return
    end
    if line ~= theirs[i] then
      lu.fail(("%q is framed as %q, and by Node as %q (%s)"):format(bytes, line,
        tostring(theirs[i]), tostring(theirs.error)))
    end
  end
end

local function check(cases)
  local answers = ask(cases)
  lu.assertEquals(#answers, #cases)
  local both = 0
  for i, bytes in ipairs(cases) do
    local ours = accepted(bytes)
    compare(bytes, ours, answers[i])
    both = both + #ours
  end
  return both
end

-- ------------------------------------------------------------------- mutations

-- Bytes that parsers trip over.
local nasty = {
  "\r", "\n", "\r\n", "\0", " ", "\t", ":", ",", ";", "\v", "\f", "\127",
  "\255", "+", "-", "0", "1", "5", "9", "f", "x", "chunked",
  "Content-Length: 3",
  "\r\nContent-Length: 4", "\r\nTransfer-Encoding: chunked", "\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: b\r\n\r\n",
}

local seeds = {
  "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
  "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    .. "5;a=b\r\nhello\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n",
  "GET /a?b HTTP/1.1\r\nHost: a\r\nA: b\r\nConnection: keep-alive\r\n\r\n",
}

-- The generator of Park and Miller, so that each run is the same.
local function random_from(seed)
  return function(n)
    seed = seed * 48271 % 2147483647
    return seed % n + 1
  end
end

local function mutate(bytes, random)
  local at, kind = random(#bytes), random(4)
  local new = nasty[random(#nasty)]
  if kind == 1 then
    return bytes:sub(1, at - 1) .. bytes:sub(at + 1)
  elseif kind == 2 then
    return bytes:sub(1, at - 1) .. new .. bytes:sub(at + 1)
  elseif kind == 3 then
    local stop = math.min(at + random(20), #bytes)
    return bytes:sub(1, stop) .. bytes:sub(at)
  end
  return bytes:sub(1, at) .. new .. bytes:sub(at + 1)
end

local function mutations(count)
  local random, list = random_from(20240601), {}
  for i = 1, count do
    local bytes = seeds[i % #seeds + 1]
    for _ = 1, random(3) do
      bytes = mutate(bytes, random)
    end
    list[i] = bytes .. "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
  end
  return list
end

-- ----------------------------------------------------------------------- tests

function spec.test_the_corpus_is_framed_as_by_node()
  if not has_node() then
    lu.skip("there is no node of version 18 or later")
  end
  lu.assertTrue(check(corpus()) > 100)
end

function spec.test_what_is_mutated_is_framed_as_by_node_or_refused()
  if not has_node() then
    lu.skip("there is no node of version 18 or later")
  end
  lu.assertTrue(check(mutations(3000)) > 1000)
end

return spec
