---Bytes as text, and back: base64 of RFC 4648, section 4, with its padding and
---in one line.
---@class miniloop.base64
local base64 = {}

local core = require "miniloop.core"
local misuse = require "miniloop.misuse"

---@param bytes string
---@return string text
function base64.encode(bytes)
  misuse.check(bytes, 1, "encode", "string")
  return core.base64.encode(bytes)
end

---@param text string
---@return string? bytes
---@return miniloop.error? err EILSEQ: it is no base64, or not the only text of
---these bytes
function base64.decode(text)
  misuse.check(text, 1, "decode", "string")
  local bytes = core.base64.decode(text)
  if not bytes then
    return nil, core.error("EILSEQ", "decode", nil, "it is no base64")
  end
  return bytes
end

return misuse.seal("miniloop.base64", base64)
