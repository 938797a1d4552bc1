-- URLs, queries, and the text codes, through Lua: what was taken apart is put
-- together again, and means the same.

local base64 = require "miniloop.base64"
local url = require "miniloop.url"

local function check(condition, what, text)
  if not condition then
    error(("%s: %q"):format(what, text), 0)
  end
end

local function check_parts(text)
  local parts, err = url.parse(text)
  if not parts then
    check(err.code == "EINVAL" and err.reason, "an error has a reason", text)
    return
  end
  local built = url.build(parts)
  local again = url.parse(built)
  check(again, "what was built is a URL", text)
  for _, part in ipairs { "scheme", "host", "port", "query", "fragment" } do
    check(parts[part] == again[part], part .. " stays what it is", text)
  end
end

local function check_normal(text)
  local normal = url.normalize(text)
  if normal then
    check(url.normalize(normal) == normal, "normal stays normal", text)
  end
  local resolved = url.resolve("http://host/a/b?c", text)
  if resolved then
    check(url.parse(resolved), "what was resolved is a URL", text)
  end
  check(url.decode(url.encode(text)) == text, "percent codes go back", text)
  check(base64.decode(base64.encode(text)) == text, "base64 goes back", text)
  local bytes = base64.decode(text)
  check(not bytes or base64.encode(bytes) == text, "base64 is unique", text)
end

local function check_query(text)
  local fields, list = url.decode_query(text)
  local again, second = url.decode_query(url.encode_query(list))
  check(#list == #second, "as many fields", text)
  for name, value in pairs(fields) do
    check(again[name] == value, "the same fields", text)
  end
  url.repair(text)
end

return function(text)
  check_parts(text)
  check_normal(text)
  check_query(text)
end
