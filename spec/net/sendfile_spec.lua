-- conn:sendfile: a part of a file into a connection. C7.4, C2.7.

local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local pipe = require "spec.support.pipe"
local raises = require "spec.support.raises"
local tls_pair = require "spec.support.tls_pair"

local spec = {}

local near, far, file

-- 1 MiB in which each place is told from its neighbours.
local plenty = {}
for i = 1, 1 << 17 do
  plenty[i] = ("%07d\n"):format(i)
end
plenty = table.concat(plenty)

function spec.before_each()
  near, far = net.pair()
  file = assert(io.tmpfile())
  assert(file:write(plenty))
  assert(file:flush())
end

function spec.after_each()
  near:close()
  far:close()
  file:close()
end

-- What the other end reads, in a task.
local function reading(stream, format)
  return ml.spawn(stream.read, stream, format)
end

function spec.test_all_of_the_file_goes_unless_told_otherwise()
  local got = reading(far, #plenty)
  lu.assertEquals(near:sendfile(file), #plenty)
  lu.assertTrue(got:join() == plenty)
end

function spec.test_a_part_has_an_offset_and_a_count()
  lu.assertEquals(near:sendfile(file, 8, 16), 16)
  lu.assertEquals(far:read(16), "0000002\n0000003\n")
  lu.assertEquals(near:sendfile(file, nil, 8), 8)
  lu.assertEquals(far:read(8), "0000001\n")
  lu.assertEquals(near:sendfile(file, 8, 0), 0)
end

function spec.test_what_lies_behind_the_end_is_nothing()
  lu.assertEquals(near:sendfile(file, #plenty - 8, 1000), 8)
  lu.assertEquals(far:read(8), "0131072\n")
  lu.assertEquals(near:sendfile(file, #plenty + 1), 0)
end

-- Where the system cannot send from file to descriptor by itself.
function spec.test_a_pipe_takes_it_too()
  local ends <close> = pipe()
  local sink <close> = assert(net.stream(ends.writer))
  local source <close> = assert(net.stream(ends.reader))
  local got = reading(source, #plenty)
  lu.assertEquals(sink:sendfile(file), #plenty)
  lu.assertTrue(got:join() == plenty)
  lu.assertEquals(sink:sendfile(file, #plenty), 0)
end

function spec.test_tls_takes_it_too()
  local pair <close> = tls_pair.open()
  local got = reading(pair.far, #plenty)
  lu.assertEquals(pair.near:sendfile(file), #plenty)
  lu.assertTrue(got:join() == plenty)
end

function spec.test_files_that_the_system_does_not_send_are_read()
  local null <close> = assert(io.open("/dev/null"))
  lu.assertEquals(near:sendfile(null), 0)
  local status <close> = io.open("/proc/self/status")
  lu.skipIf(not status, "not Linux")
  local n = near:sendfile(status)
  near:shutdown("write")
  local got = far:read("a")
  lu.assertEquals(#got, n)
  lu.assertStrContains(got, "PPid:")
end

function spec.test_what_cannot_be_read_is_an_error()
  local path = os.tmpname()
  local blind <close> = assert(io.open(path, "w"))
  local ends <close> = pipe()
  local sink <close> = assert(net.stream(ends.writer))
  for _, stream in ipairs { near, sink } do
    local sent, err = stream:sendfile(blind)
    lu.assertNil(sent)
    lu.assertEquals({ err.code, err.op, err.written },
      { "EBADF", "sendfile", 0 })
  end
  os.remove(path)
end

function spec.test_a_peer_that_is_gone_is_told_with_what_was_written()
  local task = ml.spawn(near.sendfile, near, file)
  lu.assertNotNil(far:recv(1))
  lu.assertNotEquals(task:status(), "done")
  far:close()
  local _, sent, err = task:wait()
  lu.assertNil(sent)
  lu.assertEquals(err.code, "EPIPE")
  lu.assertTrue(err.written > 0 and err.written < #plenty)
  near:close()
  lu.assertEquals(select(2, near:sendfile(file)).code, "EBADF")
end

function spec.test_writers_take_turns()
  local first = ml.spawn(near.sendfile, near, file)
  ml.yield()
  local second = ml.spawn(near.write, near, "after it")
  local got = reading(far, #plenty + 8)
  lu.assertEquals({ first:join(), second:join() }, { #plenty, true })
  lu.assertTrue(got:join() == plenty .. "after it")
end

function spec.test_one_that_is_killed_has_sent_a_part()
  local task = ml.spawn(near.sendfile, near, file)
  ml.yield()
  task:kill()
  near:shutdown("write")
  local got = far:read("a")
  lu.assertTrue(#got < #plenty and plenty:sub(1, #got) == got)
end

function spec.test_misuse()
  raises("bad argument #1 to 'sendfile'", function() near:sendfile() end)
  raises("#2 to 'sendfile'", function() near:sendfile(file, "1") end)
  raises("negative", function() near:sendfile(file, -1) end)
  raises("negative", function() near:sendfile(file, 0, -1) end)
end

return spec
