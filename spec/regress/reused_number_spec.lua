-- A Lua file was waited for and closed, and a stream got its number before the
-- poller was told: the stream's wait was taken for one that it knew already,
-- and epoll, which forgets what is closed, never woke it.

local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local pipe = require "spec.support.pipe"
local syscall = require "miniloop.syscall"

local spec = {}

-- In one turn: a wait for a Lua file has ended, the file is closed, a pair of
-- streams is opened, and the one with the file's number is read from (the
-- other one takes a smaller number, which was free). `streams` gets both.
local function read_after_wait(streams)
  local files <close> = pipe()
  ml.spawn(files.writer.write, files.writer, "x")
  assert(ml.perform(syscall.wait_io_read(files.reader)))
  files.reader:close()
  streams[1], streams[2] = net.pair()
  return streams[2]:recv()
end

-- C4.3
function spec.test_a_stream_with_the_number_of_a_file_just_waited_for_is_woken()
  local streams = {}
  local reader = ml.spawn(read_after_wait, streams)
  repeat
    ml.yield()
  until streams[2] or reader:status() == "failed"
  local _ <close> = streams[1]
  local _ <close> = streams[2]
  streams[1]:write("x")
  lu.assertEquals({ reader:wait(5) }, { true, "x" })
end

-- C2.6: a stream whose number something else has closed; what gets the number
-- next begins anew, and a wait on the old stream harms nobody.
function spec.test_a_stream_with_the_number_of_one_closed_by_others_is_woken()
  local socket = require "socket"
  local old, far <close> = net.pair()
  local task = ml.spawn(old.recv, old)
  ml.yield()
  far:write("x")
  lu.assertEquals({ task:wait(5) }, { true, "x" })
  local thief = socket.tcp()
  thief:close()
  thief:setfd(old:getfd())
  thief:close()
  local near, other <close> = net.pair()
  lu.assertEquals(near:getfd(), old:getfd())
  local reader = ml.spawn(near.recv, near)
  ml.yield()
  other:write("x")
  lu.assertEquals({ reader:wait(5) }, { true, "x" })
  near:close()
end

return spec
