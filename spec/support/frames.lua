-- Raw WebSocket frames, written and read byte by byte: independent of what is
-- tested.

local frames = {}

local opcodes = {
  continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10,
}
local names = {}
for name, code in pairs(opcodes) do
  names[code] = name
end

local function xor(data, key)
  if key == "\0\0\0\0" then
    return data
  end
  local out = {}
  for i = 1, #data do
    out[i] = string.char(data:byte(i) ~ key:byte((i - 1) % 4 + 1))
  end
  return table.concat(out)
end

-- The seven bits of a length, and the bytes that follow for it.
local function length_of(length, size)
  size = size or length < 126 and 7 or length < 65536 and 16 or 64
  if size == 7 then
    return length, ""
  elseif size == 16 then
    return 126, string.pack(">I2", length)
  end
  return 127, string.pack(">i8", length)
end

local function first_byte(opcode, options)
  return (opcodes[opcode] or opcode) | (options.rsv or 0) << 4
    | (options.fin == false and 0 or 0x80)
end

-- A frame. `options`: fin (true), rsv (0), mask (a key of four bytes, or
-- false), and length to lie about it, as 7, 16 or 64 bits by `size`.
function frames.make(opcode, data, options)
  options = options or {}
  data = data or ""
  local mask = options.mask
  local length, more = length_of(options.length or #data, options.size)
  local head = string.char(first_byte(opcode, options),
    length | (mask and 0x80 or 0)) .. more
  return mask and head .. mask .. xor(data, mask) or head .. data
end

-- Reads one frame of a stream: { kind, data, fin, rsv, masked }; nil at its
-- end.
function frames.read(conn)
  local head, err = conn:read(2)
  if not head or #head < 2 then
    return nil, err
  end
  local first, second = head:byte(1, 2)
  local length = second & 0x7F
  if length == 126 then
    length = string.unpack(">I2", conn:read(2))
  elseif length == 127 then
    length = string.unpack(">i8", conn:read(8))
  end
  local masked = second & 0x80 ~= 0
  local key = masked and conn:read(4)
  local data = length > 0 and conn:read(length) or ""
  return {
    kind = names[first & 0x0F],
    data = masked and xor(data, key) or data,
    fin = first & 0x80 ~= 0,
    rsv = first >> 4 & 7,
    masked = masked,
  }
end

-- The payload of a Close.
function frames.code(code, reason)
  return string.pack(">I2", code) .. (reason or "")
end

return frames
