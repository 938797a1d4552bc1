---One request and its answer, on one connection.

local bodies = require "miniloop.http.client.body"
local core = require "miniloop.core"
local response = require "miniloop.http.client.response"

-- A longer body is sent by a task of its own: the server may answer, and wait
-- for somebody to read that, before it has read all.
local long <const> = 65536

-- Answers of 1xx before the one that counts.
local interim_max <const> = 20

---The task that sends a body.
local function send_aside(held, plan)
  local conn = held.conn
  local ok, sent, err = core.try(bodies.send, conn, plan.body, plan.length)
  if not ok then
    held.raised = { sent }
    conn:close() -- so that nobody waits for an answer
  elseif not sent then
    held.failed = err
  end
end

local function send(held, plan, head)
  local body = plan.body
  local conn = held.conn
  held.raised, held.failed = nil, nil
  if not body then
    return conn:write(head)
  elseif body.text and #body.text <= long then
    return conn:write(head, body.text)
  end
  local ok, err = conn:write(head)
  if ok then
    held.writer = core.spawn(send_aside, held, plan)
  end
  return ok, err
end

local function refuse(plan, reason)
  return nil, core.error("EPROTO", "response", plan.place.url, reason)
end

---The head of the answer, behind those of 1xx.
local function receive(held, plan)
  for _ = 1, interim_max do
    local head, err = held.wire:response(plan.method)
    if not head or head.status >= 200 then
      return head, err
    elseif head.status == 101 then
      return refuse(plan, "the server switches to what nobody asked for")
    end
  end
  return refuse(plan, "too many answers of 1xx")
end

-- What tells that the peer was gone already.
local gone = {
  ECONNABORTED = true, ECONNRESET = true, EPIPE = true, EBADF = true,
  ETLS_TRUNCATED = true,
}

---Whether the server closed the connection before it could have seen the
---request: it was idle, and nothing of an answer has come.
local function is_stale(held, sent_err, err)
  return held.reused and not held.wire:dirty()
    and (not sent_err or gone[sent_err.code]) and (not err or gone[err.code])
end

---Sends a request and reads the head of its answer. Whatever else happens, the
---connection is closed.
---@param held miniloop.http.lease
---@param plan miniloop.http.plan
---@param head string its head
---@return miniloop.http.client.response? res which has the connection
---@return miniloop.error? err
---@return boolean? stale  another connection may do better
return function(held, plan, head)
  local mine <close> = held
  local _, sent_err = send(mine, plan, head)
  local answer, err = receive(mine, plan)
  if mine.raised then
    error(mine.raised[1], 0)
  elseif answer then
    return response.new(mine, answer, plan.unpack)
  end
  local stale = is_stale(mine, sent_err, err)
  err = sent_err or mine.failed or err
    or core.error("ECONNRESET", "response", nil,
      "the server closed the connection without an answer")
  err.address = err.address or plan.place.url
  return nil, err, stale
end
