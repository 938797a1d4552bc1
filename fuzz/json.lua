-- JSON at our boundary: what was read is written again, and read as the same.

local json = require "miniloop.json"

local function check(condition, what, text)
  if not condition then
    error(("%s: %q"):format(what, text), 0)
  end
end

-- Whether two values of JSON are the same, integers and floats told apart.
local function same(a, b)
  if type(a) ~= "table" then
    return a == b and math.type(a) == math.type(b)
  elseif type(b) ~= "table" then
    return false
  end
  for key, value in pairs(a) do
    if not same(value, b[key]) then
      return false
    end
  end
  for key in pairs(b) do
    if a[key] == nil then
      return false
    end
  end
  return true
end

return function(text)
  local value, err = json.decode(text)
  if err then
    check(err.code and err.reason, "an error has a reason", text)
    return
  end
  local written = json.encode(value)
  check(written, "what was read can be written", text)
  local again
  again, err = json.decode(written)
  check(not err, "what was written can be read", text)
  check(same(value, again), "it is the same", text)
  check(#json.encode(again) == #written, "it is written the same way", text)
end
