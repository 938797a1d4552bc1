-- What ml.tasks says of those that wait: C5.1.

local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local endpoints = require "spec.support.endpoints"
local pipe = require "spec.support.pipe"

local spec = {}

local function entry_of(task)
  for _, entry in ipairs(ml.tasks()) do
    if entry.id == task.id then
      return entry
    end
  end
end

-- What a task waits for that does nothing but f(...); it is killed then.
local function waits(f, ...)
  local task = ml.spawn(f, ...)
  ml.yield()
  local entry = entry_of(task)
  task:kill()
  lu.assertEquals(entry.status, "waiting")
  return entry.waits
end

function spec.test_the_address_that_is_connected_to()
  local silent <close> = endpoints.silent()
  lu.assertEquals(waits(net.connect, silent.address),
    "connect to " .. silent.address)
end

function spec.test_a_connection_and_a_datagram()
  local listener <close> = assert(net.listen "127.0.0.1:0")
  local udp <close> = assert(net.udp "127.0.0.1:0")
  lu.assertEquals(waits(listener.accept, listener), "accept a connection")
  lu.assertEquals(waits(udp.recvfrom, udp), "recvfrom a datagram")
end

function spec.test_the_descriptor_of_a_stream()
  local a, b = net.pair()
  local number = b:getfd()
  lu.assertEquals(waits(b.recv, b), ("recv (fd %d)"):format(number))
  lu.assertEquals(waits(b.write, b, ("x"):rep(2^23)),
    ("write (fd %d)"):format(number))
  lu.assertEquals(waits(b.copy, b, a), "copy (0 bytes so far)")
  a:close()
  b:close()
end

function spec.test_the_turn_of_another()
  local a, b = net.pair()
  local reader = ml.spawn(b.recv, b)
  ml.yield()
  lu.assertEquals(waits(b.recv, b), "recv (another task reads)")
  reader:kill()
  local writer = ml.spawn(b.write, b, ("x"):rep(2^23))
  ml.yield()
  lu.assertEquals(waits(b.write, b, "x"), "write (another task writes)")
  writer:kill()
  a:close()
  b:close()
end

function spec.test_the_number_of_a_raw_descriptor()
  local ends <close> = pipe()
  lu.assertStrMatches(waits(ml.wait_io_read, ends.reader),
    "wait_io_read %(fd %d+%)")
end

function spec.test_the_arms_of_a_choice()
  local channel = ml.channel()
  local text = waits(function()
    ml.any { syscall.recv(channel), syscall.sleep(10) }
  end)
  lu.assertStrContains(text, "of recv on the channel")
  lu.assertStrContains(text, "sleep")
end

-- The text has an end, however many they are.
function spec.test_the_arms_of_a_wide_choice_are_cut()
  local text = waits(function()
    local arms = {}
    for i = 1, 100 do
      arms[i] = syscall.sleep(i)
    end
    ml.any(arms)
  end)
  lu.assertEquals(#text, 255)
end

function spec.test_the_first_members_of_a_group()
  local members = {}
  local owner = ml.spawn(function()
    ml.group(function(group)
      for i = 1, 30 do
        members[i] = group:spawn(ml.sleep, 1000)
      end
    end)
  end)
  ml.yield()
  ml.yield()
  local text = entry_of(owner).waits
  owner:kill()
  lu.assertStrContains(text, "for its tasks to end: " .. members[1].id .. ", ")
  lu.assertStrMatches(text, ".*, %.%.%.")
end

-- Made where no line of a script is running.
function spec.test_what_was_made_nowhere_has_no_place()
  for _, made in ipairs {
    coroutine.wrap(ml.channel)(),
    select(2, pcall(ml.channel)),
  } do
    lu.assertEquals(waits(made.recv, made), "recv on the channel")
  end
end

return spec
