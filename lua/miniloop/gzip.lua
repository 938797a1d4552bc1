---Compressed bytes (RFC 1950 to 1952), by zlib.
---
---Whole messages here; what comes and goes in pieces is for `inflater` and
---`deflater`, which are made in C and documented in lua/meta/gzip.lua.
---@class miniloop.gzip
local gzip = {}

local core = require "miniloop.core"
local misuse = require "miniloop.misuse"

gzip.inflater = core.gzip.inflater
gzip.deflater = core.gzip.deflater

local formats = { gzip = true, deflate = true, raw = true }

local function check_format(format, name)
  if format ~= nil and not formats[format] then
    error(("bad option 'format' of '%s' (no format '%s')"):format(name,
      format), 3)
  end
end

---@class miniloop.gzip.compress_options
---@field format ("gzip"|"deflate"|"raw")? "gzip" unless given
---@field level integer? from 0, as it is, to 9, as small as can be

---Packs a string.
---@param data string
---@param options miniloop.gzip.compress_options?
---@return string? packed
---@return miniloop.error? err ENOTSUP: without zlib
function gzip.compress(data, options)
  misuse.check(data, 1, "compress", "string")
  misuse.options(options, 2, "compress",
    { format = "string", level = "number" })
  options = options or {}
  check_format(options.format, "compress")
  local level = options.level
  if level and not (math.tointeger(level) and level >= 0 and level <= 9) then
    error("bad option 'level' of 'compress' (an integer from 0 to 9)", 2)
  end
  local deflater <close>, err = gzip.deflater(options.format, level)
  if not deflater then
    return nil, err
  end
  return deflater:write(data, "finish")
end

---@class miniloop.gzip.decompress_options
---@field format ("gzip"|"deflate"|"raw")? "gzip" unless given
---@field max integer? bytes that it may become: 64 MiB unless given

local max_default <const> = 64 * 1024 * 1024

local function unpack_all(inflater, max)
  local pieces, size = {}, 0
  local piece, err = inflater:next()
  while piece do
    size = size + #piece
    if size > max then
      return nil, core.error("EMSGSIZE", "inflate", nil,
        ("more than %d bytes"):format(max))
    end
    pieces[#pieces + 1] = piece
    piece, err = inflater:next()
  end
  if not err and not inflater:ended() then
    err = core.error("EBADMSG", "inflate", nil, "the message is cut off")
  end
  if err then
    return nil, err
  end
  return table.concat(pieces)
end

---Unpacks a string, which may be made of several messages.
---@param data string
---@param options miniloop.gzip.decompress_options?
---@return string? bytes
---@return miniloop.error? err EBADMSG: it is not packed like that, or cut off;
---EMSGSIZE: it would be too large; ENOTSUP: without zlib
function gzip.decompress(data, options)
  misuse.check(data, 1, "decompress", "string")
  misuse.options(options, 2, "decompress",
    { format = "string", max = "number" })
  options = options or {}
  check_format(options.format, "decompress")
  local inflater <close>, err = gzip.inflater(options.format)
  if not inflater then
    return nil, err
  end
  inflater:feed(data)
  return unpack_all(inflater, options.max or max_default)
end

return misuse.seal("miniloop.gzip", gzip)
