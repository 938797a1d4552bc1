-- Requests as bytes, good and bad, sent to a server by a real socket. Each case
-- says what its answers are, and by which section: see spec/http/corpus.

local lu = require "luaunit"
local http = require "miniloop.http"
local wire = require "spec.http.wire"

local spec = {}

local root = (os.getenv("ML_SOURCE") or ".") .. "/spec/http/corpus/"

local function load_family(name)
  return assert(loadfile(root .. name .. ".lua"))()
end

local server, address

function spec.before_each()
  server = assert(http.serve("127.0.0.1:0", function(req)
    if req.path == "/unread" then
      return "not read"
    end
    local body, err = req:body()
    if not body then
      return nil, err
    end
    return req.method .. " " .. req.path .. " " .. body
  end))
  address = server:address()
end

function spec.after_each()
  server:stop(0)
end

-- The statuses of answers, "+" if the last is that of the sentinel.
local function summary(answers)
  local list = {}
  local last = answers[#answers]
  local found = last and last.body == "GET /sentinel "
  for i = 1, found and #answers - 1 or #answers do
    list[i] = answers[i].status
  end
  return table.concat(list, " ") .. (found and "+" or "")
end

local function check(case, text)
  local name, section, _, statuses, says = table.unpack(case, 1, 5)
  local label = name .. " (RFC " .. section .. ")"
  local answers = wire.answers(text)
  lu.assertEquals(summary(answers), statuses, label)
  if says then
    lu.assertEquals(answers[1].body, says, label)
  end
end

local function run(case)
  local bytes = case[3]
  if case.cut then
    check(case, wire.exchange(address, bytes))
  else
    check(case, wire.exchange(address, bytes .. wire.sentinel))
  end
end

local families = {
  "chunks", "connections", "fields", "framing", "lines", "targets",
}

for _, family in ipairs(families) do
  spec["test_" .. family] = function()
    for _, case in ipairs(load_family(family)) do
      run(case)
    end
  end
end

function spec.test_there_are_enough_of_them()
  local count, names = 0, {}
  for _, family in ipairs(families) do
    for _, case in ipairs(load_family(family)) do
      local name = family .. ": " .. case[1]
      lu.assertNil(names[name], name)
      names[name] = true
      count = count + 1
    end
  end
  lu.assertTrue(count >= 215)
end

-- However the bytes come, they mean the same: a sample is cut in two at each
-- byte, and sent byte by byte.

local function sample()
  local list = {}
  for _, family in ipairs(families) do
    for i, case in ipairs(load_family(family)) do
      if i % 6 == 1 and #case[3] < 200 and not case.cut then
        list[#list + 1] = case
      end
    end
  end
  return list
end

function spec.test_a_cut_at_any_byte_changes_nothing()
  local cases = sample()
  lu.assertTrue(#cases > 40)
  for i, case in ipairs(cases) do
    local bytes = case[3] .. wire.sentinel
    for cut = 1 + i % 3, #bytes - 1, 3 do
      check(case, wire.exchange(address, bytes:sub(1, cut),
        bytes:sub(cut + 1)))
    end
  end
end

function spec.test_byte_by_byte_changes_nothing()
  for i, case in ipairs(sample()) do
    if i % 4 == 0 then
      local pieces = {}
      for byte in (case[3] .. wire.sentinel):gmatch(".") do
        pieces[#pieces + 1] = byte
      end
      check(case, wire.exchange(address, table.unpack(pieces)))
    end
  end
end

return spec
