-- What befalls descriptors while tasks wait for them: a kill, a close, a reset,
-- a flood, a child. Each costs the task that it belongs to, and nobody else.

local assert_code = require "spec.support.assert_code"
local core = require "miniloop.core"
local endpoints = require "spec.support.endpoints"
local lfs = require "lfs"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local waiting = require "spec.support.waiting"

local spec = {}

-- A listener, and the two ends of a connection to it.
local function connection()
  local listener <close> = assert(net.listen("127.0.0.1:0"))
  local near = assert(net.connect(listener:address()))
  return near, assert(listener:accept())
end

-- ------------------------------------------------------------------ the loop

-- In the turn between the answer of a worker and the task's.
function spec.test_the_loop_is_sound_while_a_name_is_looked_up()
  local task = ml.spawn(net.resolve, "localhost:1")
  repeat
    ml.yield()
    lu.assertTrue(core.check())
    local status = task:status()
  until status == "done" or status == "failed"
end

-- ---------------------------------------------------------------------- kill

-- C3.6: the byte comes just before the kill, or just after it.
function spec.test_a_byte_that_comes_with_a_kill_is_the_next_readers()
  local near, far = net.pair()
  local _ <close> = near
  local _ <close> = far
  for _, byte_first in ipairs { true, false } do
    local task = waiting(near.recv, near, 1)
    if byte_first then
      far:write("x")
    end
    lu.assertTrue(task:kill())
    if not byte_first then
      far:write("x")
    end
    lu.assertEquals({ near:recv(1, 5) }, { "x" })
    lu.assertTrue(core.check())
  end
end

-- Both are woken in one round; who is resumed first kills the other.
function spec.test_a_byte_is_not_lost_with_a_reader_killed_as_it_wakes()
  local near, far = net.pair()
  local _ <close> = near
  local _ <close> = far
  local trigger, gun = net.pair()
  local _ <close> = trigger
  local _ <close> = gun
  local task, victim
  local function kill()
    trigger:recv(1)
    task:kill()
  end
  for _, killer_first in ipairs { true, false } do
    local killer = killer_first and waiting(kill)
    victim, task = nil, waiting(function()
      victim = near:recv(1)
    end)
    killer = killer or waiting(kill)
    gun:write("!")
    far:write("x")
    killer:wait()
    local heir = victim == nil and near:recv(1, 5)
    lu.assertEquals(victim or heir, "x")
    assert_code("ETIMEDOUT", near:recv(1, 0)) -- it came once
    lu.assertTrue(core.check())
  end
end

-- --------------------------------------------------------------------- close

-- socket -> its number; empty where the system does not tell
local function sockets()
  local open = {}
  local directory = "/proc/self/fd/"
  if lfs.attributes(directory, "mode") == "directory" then
    for name in lfs.dir(directory) do
      local target = lfs.symlinkattributes(directory .. name, "target")
      open[target or name] = tonumber(name)
    end
  end
  return open
end

-- The number of the socket that f leaves open, or nil.
local function number_opened_by(f)
  local before = sockets()
  f()
  for name, number in pairs(sockets()) do
    if name:match("^socket:") and not before[name] then
      return number
    end
  end
  return nil
end

-- C2.6: a connect shows its descriptor to nobody, but a number can be guessed.
function spec.test_a_close_ends_whatever_waits_for_the_descriptor()
  local silent <close> = endpoints.silent()
  local listener <close> = assert(net.listen("127.0.0.1:0"))
  local near, silent_end = net.pair()
  local deaf_end, far = net.pair()
  local _ <close> = silent_end
  local _ <close> = deaf_end
  local connecting
  local number = number_opened_by(function()
    connecting = waiting(net.connect, silent.address)
  end)
  local tasks = {
    waiting(near.recv, near),
    waiting(far.write, far, ("x"):rep(8 << 20)),
    waiting(listener.accept, listener),
    number and connecting or nil, -- where the system tells numbers
  }
  near:close()
  far:close()
  listener:close()
  if number then
    lu.assertTrue(ml.close(number))
  else
    connecting:kill()
  end
  local rounds = 0
  for _, task in ipairs(tasks) do
    while task:status() == "ready" do
      ml.yield()
      rounds = rounds + 1
    end
    assert_code("EBADF", select(2, task:wait(0)))
  end
  lu.assertTrue(rounds <= 4, rounds)
end

-- --------------------------------------------------------------------- reset

-- C7.4
function spec.test_a_reset_costs_the_tasks_of_its_connection_alone()
  local near, far = connection()
  local _ <close> = near
  local other, peer = connection()
  local _ <close> = other
  local _ <close> = peer
  local reader = waiting(near.recv, near)
  local bystander = waiting(other.recv, other)
  far:setoption("linger", 0)
  far:close()
  assert_code("ECONNRESET", select(2, reader:wait()))
  assert_code("EPIPE", near:write("x"))
  assert_code("ECONNRESET", near:recv()) -- for that was no end
  peer:write("x")
  lu.assertEquals({ bystander:wait() }, { true, "x" })
end

function spec.test_a_reset_ends_a_write_that_waits_for_room()
  local near, far = connection()
  local _ <close> = near
  local writer = waiting(near.write, near, ("x"):rep(16 << 20))
  far:setoption("linger", 0)
  far:close()
  local _, value, err = assert(writer:wait())
  lu.assertNil(value)
  lu.assertTrue(err.code == "ECONNRESET" or err.code == "EPIPE", err.code)
end

-- ---------------------------------------------------------------------- flood

-- C4.1: how many connections of a flood one listener may take before another
-- one, whose only connection is there already, is looked at.
function spec.test_a_flooded_listener_does_not_keep_another_waiting()
  local flooded <close> = assert(net.listen("127.0.0.1:0", { backlog = 512 }))
  local quiet <close> = assert(net.listen("127.0.0.1:0"))
  local open = {}
  for i = 1, 400 do
    open[i] = assert(net.connect(flooded:address()))
  end
  open[401] = assert(net.connect(quiet:address()))
  local taken = 0
  local acceptor = ml.spawn(function()
    while true do
      local conn <close> = flooded:accept()
      if not conn then
        return
      end
      taken = taken + 1
    end
  end)
  local conn = assert(quiet:accept())
  local taken_before = taken
  conn:close()
  lu.assertTrue(taken_before <= 150, taken_before)
  flooded:close()
  acceptor:wait()
  for _, near in ipairs(open) do
    near:close()
  end
end

-- ------------------------------------------------------------------ processes

-- C7.5: a child gets nothing of the sockets that are open, nor of the poller.
function spec.test_a_child_has_no_descriptor_of_ours()
  lu.skipIf(not lfs.attributes("/proc/self/fd", "mode"), "there is no /proc")
  local open = {}
  for i = 1, 50 do
    open[i] = { net.pair() }
  end
  local waiter = waiting(open[1][1].recv, open[1][1])
  local listener <close> = assert(net.listen("127.0.0.1:0"))
  lu.assertNotNil(listener:getfd())
  local child <close> = assert(io.popen("ls -l /proc/$$/fd"))
  local list = child:read("a")
  lu.assertNotStrContains(list, "socket:")
  lu.assertNotStrContains(list, "eventpoll")
  lu.assertNotStrContains(list, "eventfd")
  waiter:kill()
  for _, pair in ipairs(open) do
    pair[1]:close()
    pair[2]:close()
  end
end

-- The process's signals are not changed by its waiting for any.
function spec.test_a_child_starts_with_no_signal_blocked()
  lu.skipIf(not lfs.attributes("/proc/self/status"), "there is no /proc")
  local signals <close> = ml.signals("USR1", "PIPE")
  local waiter = waiting(signals.wait, signals)
  local child <close> = assert(io.popen("cat /proc/self/status"))
  local status = child:read("a")
  lu.assertEquals(status:match("SigBlk:%s*(%x+)"), ("0"):rep(16))
  local pipe = 1 << (13 - 1)
  lu.assertEquals(tonumber(status:match("SigIgn:%s*(%x+)"), 16) & pipe, 0)
  waiter:kill()
end

return spec
