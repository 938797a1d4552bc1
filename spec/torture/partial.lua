-- Writes that go out in small parts, for the socket has little room and the
-- reader takes a few bytes at a time: every byte comes, once and in order, and
-- other tasks have their turns meanwhile.
--
--   ./dev torture partial [MIB]

package.path = "?.lua;" .. package.path

local ml = require "miniloop"
local net = require "miniloop.net"
local verdict = require "spec.torture.lib.verdict"
local words = require "spec.torture.lib.words"

local BEAT = 0.01 -- seconds
local LIMIT = 40  -- milliseconds that a beat may be late, p99
local ROOM = 4096 -- bytes that the socket is to hold at most

local size = words.count(arg[1], "MIB", 64) << 20

-- Bytes that tell their place: what stands at `from` and after.
local numbers = {}
for i = 1, 16384 do
  numbers[i] = ("%04x"):format(i * 40503 & 0xffff)
end
local pattern = table.concat(numbers)
local period = #pattern

local function expected(from, count)
  local at = from % period
  local text = pattern:sub(at + 1, at + count)
  while #text < count do
    text = text .. pattern:sub(1, count - #text)
  end
  return text
end

local late = {}

local function beat()
  local due = ml.now()
  while true do
    due = due + BEAT
    ml.sleep(due - ml.now())
    late[#late + 1] = ml.now() - due
    due = math.max(due, ml.now() - BEAT) -- a beat that was missed is missed
  end
end

local reads = 0

-- Mostly a few bytes, at times many: all sizes that buffers have borders at.
local function read_all(conn)
  local sizes = { 1, 2, 3, 100, 4095, 4096, 4097, 8192, 60000 }
  local from = 0
  while true do
    local bytes = conn:recv(sizes[math.random(#sizes)])
    if not bytes then
      return from
    end
    assert(bytes == expected(from, #bytes), "the bytes are wrong")
    from = from + #bytes
    reads = reads + 1
  end
end

local near, far = net.pair() -- TCP would wait for the reader's window
near:setoption("sndbuf", ROOM)

local ticker = ml.spawn(beat)
local piece = pattern:rep(16) -- a MiB
local start = ml.now()
local reader = ml.spawn(read_all, far)
for _ = 1, size >> 20 do
  assert(near:write(piece))
end
near:close()
local _, got = reader:wait()
ticker:kill()
print(("%d bytes in %d reads, %.1f s"):format(got, reads, ml.now() - start))
verdict.holds(got == size, "every byte came, once and in order")
verdict.times("beats were late by", late, LIMIT)
verdict.finish()
