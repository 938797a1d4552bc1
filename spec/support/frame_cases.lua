-- Cases of frames: what a WebSocket makes of what its peer sends. Each is sent
-- to a server and to a client, in one piece and byte by byte.
--
-- A step is { opcode, data, options }, or a string: bytes as they are.
-- A case is its name, its steps, and what is to come of it: a list of messages,
-- and how it ends: a code that the peer must be told, or nothing.

local lu = require "luaunit"
local frames = require "spec.support.frames"
local ml = require "miniloop"
local websockets = require "spec.support.websockets"

local cases = {}

local function encode(steps, role)
  local make = role == "server" and websockets.masked or frames.make
  local out = {}
  for i, step in ipairs(steps) do
    out[i] = type(step) == "string" and step or make(table.unpack(step, 1, 3))
  end
  return table.concat(out)
end

-- All messages up to the end, and how that was.
function cases.receive_all(ws)
  local got = {}
  while true do
    local message, kind = ws:recv()
    if not message then
      return got, kind
    end
    lu.assertStrContains("text binary", kind)
    got[#got + 1] = message
  end
end

local function write_slowly(far, bytes)
  for i = 1, #bytes do
    if not far:write(bytes:sub(i, i)) then
      break -- the other side may have seen enough
    end
    ml.yield()
  end
end

-- The code of the Close that the peer gets, past answers to its Pings.
function cases.close_code(far)
  local frame
  repeat
    frame = frames.read(far)
  until not frame or frame.kind == "close"
  lu.assertNotNil(frame, "no Close has come")
  return frame.data == "" and 1005 or string.unpack(">I2", frame.data)
end

local errors = { [1002] = "EPROTO", [1007] = "EILSEQ", [1009] = "EMSGSIZE" }

-- What an end with that code is for who receives. The peer's own codes come
-- back.
local function check_end(err, ws, code)
  local friendly = { [1000] = true, [1001] = true, [1005] = true }
  if ws.code == nil then
    lu.assertEquals(err and err.code, errors[code])
  elseif friendly[code] then
    lu.assertNil(err)
  else
    lu.assertEquals(err and err.code, "ECONNABORTED")
  end
end

-- `agreement`: on packing.
function cases.run(case, role, slowly, options, agreement)
  local _, steps, messages, code = table.unpack(case)
  local ws, far = websockets.pair(options, role, nil, agreement)
  local writer = ml.spawn(function()
    local bytes = encode(steps, role)
    if slowly then
      write_slowly(far, bytes)
    else
      far:write(bytes)
    end
    if code then
      lu.assertEquals(cases.close_code(far), code)
    end
    far:close()
  end)
  local got, err = cases.receive_all(ws)
  lu.assertEquals(got, messages)
  if code then
    check_end(err, ws, code)
  else
    lu.assertEquals(err.code, "ECONNRESET") -- ended without a Close
  end
  lu.assertTrue(writer:wait())
  ws:close()
end

-- Adds a test for each of the list.
function cases.add(spec, family, list, options, agreement)
  for _, case in ipairs(list) do
    spec[("test_%s_%s"):format(family, case[1])] = function()
      local bytes = #encode(case[2], "server")
      for _, role in ipairs { "server", "client" } do
        cases.run(case, role, false, options, agreement)
        if bytes < 10000 then
          cases.run(case, role, true, options, agreement)
        end
      end
    end
  end
end

return cases
