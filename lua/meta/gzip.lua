---@meta miniloop.gzip

-- The part of miniloop.gzip that is made in C, for editors.

---@class miniloop.gzip
local gzip = {}

---Unpacks what comes in pieces. A to-be-closed value.
---@param format ("gzip"|"deflate"|"raw")? "gzip" unless given
---@return miniloop.gzip.inflater? inflater
---@return miniloop.error? err ENOTSUP: without zlib
function gzip.inflater(format) end

---@class miniloop.gzip.inflater
local inflater = {}

---Takes the packed bytes that come next, when `next` has given nil.
---@param data string
function inflater:feed(data) end

---The bytes that come next, at most 16 KiB; nil when it wants more.
---@return string? bytes
---@return miniloop.error? err EBADMSG: it is not packed like that
function inflater:next() end

---Whether the message is complete, with all that it was fed. Another one may
---follow.
---@return boolean
function inflater:ended() end

---Frees its memory; any other method then is wrong use.
function inflater:close() end

---Packs what comes in pieces. A to-be-closed value.
---@param format ("gzip"|"deflate"|"raw")? "gzip" unless given
---@param level integer? from 0, as it is, to 9, as small as can be
---@return miniloop.gzip.deflater? deflater
---@return miniloop.error? err ENOTSUP: without zlib
function gzip.deflater(format, level) end

---@class miniloop.gzip.deflater
local deflater = {}

---Packs bytes, and gives what is due of the message: with "flush" enough to
---unpack all that was written, with "finish" the rest, which closes it.
---@param data string
---@param how ("more"|"flush"|"finish")? "more" unless given
---@return string packed
function deflater:write(data, how) end

---Frees its memory; any other method then is wrong use.
function deflater:close() end

return gzip
