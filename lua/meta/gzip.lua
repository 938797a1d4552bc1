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

---Whether all that it was fed is through, and ended with a block: as that does
---which was packed with "flush".
---@return boolean
function inflater:between() end

---Forgets all, for another message.
function inflater:reset() end

---Frees its memory; any other method then is wrong use.
function inflater:close() end

---Packs what comes in pieces. A to-be-closed value.
---@param format ("gzip"|"deflate"|"raw")? "gzip" unless given
---@param level integer? from 0, as it is, to 9, as small as can be
---@param bits integer? of the window, from 9 to 15, which is what it has unless
---given: how far back a repetition may lie, as a power of 2
---@return miniloop.gzip.deflater? deflater
---@return miniloop.error? err ENOTSUP: without zlib
function gzip.deflater(format, level, bits) end

---@class miniloop.gzip.deflater
local deflater = {}

---Packs bytes, and gives what is due of the message: with "flush" enough to
---unpack all that was written, with "finish" the rest, which closes it.
---@param data string
---@param how ("more"|"flush"|"finish")? "more" unless given
---@return string packed
function deflater:write(data, how) end

---Forgets all, for another message.
function deflater:reset() end

---Frees its memory; any other method then is wrong use.
function deflater:close() end

return gzip
