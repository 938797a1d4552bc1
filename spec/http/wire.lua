-- Raw HTTP for specs: bytes to a server, and what it answers.

local ml = require "miniloop"
local net = require "miniloop.net"

local wire = {}

-- A request that can be told from all others, and ends what was sent.
wire.sentinel = "GET /sentinel HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

-- The body of the answer whose head ends at `at`, and where the next begins.
local function body_of(text, head, at, method)
  if method == "HEAD" or head:find("^HTTP/1.1 [13]04 ") or
    head:find("^HTTP/1.1 1") or head:find("^HTTP/1.1 204 ") then
    return "", at
  end
  local length = head:match("\r\nContent%-Length: (%d+)\r\n")
  if length then
    return text:sub(at, at + length - 1), at + length
  elseif not head:find("\r\nTransfer-Encoding: chunked\r\n", 1, true) then
    return text:sub(at), #text + 1
  end
  local pieces = {}
  while true do
    local size, from = text:match("^(%x+)\r\n()", at)
    assert(size, "no chunk in " .. text:sub(at))
    size = tonumber(size, 16)
    if size == 0 then
      return table.concat(pieces), assert(text:match("^.-\r\n\r\n()", at))
    end
    pieces[#pieces + 1] = text:sub(from, from + size - 1)
    at = assert(text:match("^\r\n()", from + size))
  end
end

-- Takes what a server has sent apart: a list of { status =, head =, body = }.
function wire.answers(text, method)
  local list, at = {}, 1
  while at <= #text do
    local head, from = text:match("^(HTTP/1%.1 .-\r\n\r\n)()", at)
    assert(head, ("no head in %q"):format(text:sub(at, at + 200)))
    local body
    body, at = body_of(text, head, from, method)
    list[#list + 1] = { status = head:match("^HTTP/1.1 (%d+)"), head = head,
      body = body }
  end
  return list
end

-- What comes until the end. (A server that has closed resets who sends more:
-- that is not to cost what came before.)
function wire.read_all(conn)
  local pieces = {}
  repeat
    local piece = conn:recv()
    pieces[#pieces + 1] = piece
  until not piece
  return table.concat(pieces)
end

-- Sends the pieces, with some rounds of the loop in between, and no more. All
-- that is answered until the server closes.
function wire.exchange(address, ...)
  local conn <close> = assert(net.connect(address))
  conn:settimeout(30)
  local reader = ml.spawn(wire.read_all, conn)
  for i = 1, select("#", ...) do
    if not conn:write((select(i, ...))) then
      break -- it has closed already
    end
    for _ = 1, select("#", ...) > 1 and 3 or 0 do
      ml.yield()
    end
  end
  conn:shutdown("write")
  return reader:join()
end

return wire
