-- Many descriptors: C4.3, and what of C3.1 depends on the poller.

local child = require "spec.support.child"
local lfs = require "lfs"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local pipe = require "spec.support.pipe"
local sockets = require "spec.support.sockets"

local spec = {}

-- As child.run, with leave for so many descriptors where the system gives it.
local function with_descriptors(n, f, poller)
  local result = child.run(f, {
    poller = poller,
    shell = ("ulimit -n %d || exit 77"):format(n),
  })
  lu.skipIf(result.status == 77, "the limit of descriptors is too low")
  return result
end

-- Opens files until the numbers from `n` on are next.
local function use_up(n)
  local files = {}
  for i = 1, n do
    files[i] = assert(io.open("/dev/null"))
  end
  return files
end

function spec.test_select_refuses_the_first_that_does_not_fit_and_goes_on()
  local result = with_descriptors(4096, function()
    local p <close> = pipe()
    local fits = ml.spawn(ml.wait_io_read, p.reader)
    ml.yield()
    local files = use_up(1100)
    local near, far = sockets.pair()
    lu.assertTrue(near:getfd() >= 1024)
    local ok, err = ml.wait_io_read(near)
    lu.assertNil(ok)
    lu.assertTrue(ml.iserror(err))
    lu.assertEquals(err.op, "wait_io_read")
    lu.assertEquals(err.code, "ERANGE")
    lu.assertStrContains(tostring(err), "does not fit select()")
    lu.assertNil((ml.wait_io_read(near, 10)))
    lu.assertTrue(ml.wait_io_write(near)) -- no wait, so nothing to watch
    local one, other = net.pair()
    lu.assertFalse(pcall(one:lines())) -- that is not the end of its lines
    one:close()
    other:close()
    lu.assertEquals(fits:status(), "waiting")
    p.writer:write("x")
    lu.assertEquals({ fits:wait() }, { true, true })
    far:send("x")
    lu.assertTrue(ml.wait_io_read(near))
    near:close()
    far:close()
    print(#files)
  end, "select")
  lu.assertEquals(result.err, "")
  lu.assertEquals(result.out, "1100\n")
  lu.assertEquals(result.status, 0)
end

function spec.test_select_refuses_a_descriptor_when_nothing_else_is_left()
  local result = with_descriptors(4096, function()
    local files = use_up(1100)
    local near, far = sockets.pair()
    print(ml.wait_io_read(near) == nil, #files) -- and is no deadlock
    near:close()
    far:close()
  end, "select")
  lu.assertEquals(result.err, "")
  lu.assertEquals(result.out, "true\t1100\n")
end

-- A thousand connections, each end with a task that waits on it.
local function two_thousand_sockets()
  local list = sockets.pairs(1000)
  local got = 0
  local tasks = {}
  for _, pair in ipairs(list) do
    table.insert(tasks, ml.spawn(function()
      lu.assertTrue(ml.wait_io_read(pair.near))
      lu.assertEquals(pair.near:receive(4), "ping")
      pair.near:send("pong")
    end))
    table.insert(tasks, ml.spawn(function()
      pair.far:send("ping")
      lu.assertTrue(ml.wait_io_read(pair.far))
      lu.assertEquals(pair.far:receive(4), "pong")
      got = got + 1
    end))
  end
  for _, task in ipairs(tasks) do
    lu.assertTrue(task:wait())
  end
  for _, pair in ipairs(list) do
    pair.near:close()
    pair.far:close()
  end
  print(got)
end

function spec.test_two_thousand_sockets_work_under_auto()
  local result = with_descriptors(5000, two_thousand_sockets, "auto")
  lu.assertEquals(result.err, "")
  lu.assertEquals(result.out, "1000\n")
  lu.assertEquals(result.status, 0)
end

-- The number of scalable pollers that the process has open.
local function count_scalable()
  local count = 0
  for name in lfs.dir("/proc/self/fd") do
    local target = lfs.symlinkattributes("/proc/self/fd/" .. name, "target")
    if target == "anon_inode:[eventpoll]" then
      count = count + 1
    end
  end
  return count
end

-- Has `n` descriptors waited for, and then all of them made ready.
local function wait_for_many(n)
  local list = sockets.pairs(n)
  local tasks = {}
  for i, pair in ipairs(list) do
    tasks[i] = ml.spawn(ml.wait_io_read, pair.near)
  end
  ml.sleep(0)
  ml.sleep(0)
  print(n, count_scalable())
  for i, pair in ipairs(list) do
    pair.far:send("x")
    lu.assertEquals({ tasks[i]:wait() }, { true, true })
    pair.near:close()
    pair.far:close()
  end
end

local function skip_without_epoll()
  lu.skipIf(lfs.attributes("/proc/self/fd", "mode") ~= "directory", "no /proc")
  local probe = child.run(function() end, { poller = "epoll" })
  lu.skipIf(probe.status ~= 0, "there is no epoll here")
end

function spec.test_auto_begins_on_select_and_leaves_it_for_many()
  skip_without_epoll()
  local result = child.passes(function()
    wait_for_many(3)
    wait_for_many(100)
    wait_for_many(3)
  end, { poller = "auto" })
  lu.assertEquals(result.out, "3\t0\n100\t1\n3\t1\n")
end

function spec.test_auto_leaves_select_for_one_that_does_not_fit()
  skip_without_epoll()
  local result = with_descriptors(4096, function()
    local p <close> = pipe()
    local before = ml.spawn(ml.wait_io_read, p.reader)
    ml.sleep(0)
    print(count_scalable())
    local files = use_up(1100)
    local near, far = sockets.pair()
    local task = ml.spawn(ml.wait_io_read, near)
    ml.sleep(0)
    ml.sleep(0)
    print(count_scalable(), #files)
    far:send("x")
    lu.assertEquals({ task:wait() }, { true, true })
    p.writer:write("x") -- what was waited for before moved along
    lu.assertEquals({ before:wait() }, { true, true })
    near:close()
    far:close()
  end, "auto")
  lu.assertEquals(result.err, "")
  lu.assertEquals(result.out, "0\n1\t1100\n")
end

function spec.test_each_poller_can_be_asked_for_and_uses_its_own()
  skip_without_epoll()
  for poller, expected in pairs { select = "0", epoll = "1", auto = "0" } do
    local result = child.passes(function()
      wait_for_many(3)
    end, { poller = poller })
    lu.assertEquals(result.out, "3\t" .. expected .. "\n")
  end
end

-- ------------------------------------------------- the same under all of them

local function answers_of_all_kinds()
  local function show(...)
    local words = table.pack(...)
    for i = 1, words.n do
      words[i] = ml.iserror(words[i]) and words[i].code or tostring(words[i])
    end
    print(table.concat(words, " "))
  end
  local p <close> = pipe()
  local near, far = sockets.pair()
  local process <close> = assert(io.popen("echo line"))
  local file <close> = assert(io.open("/dev/null", "r+"))
  for _, object in ipairs { p.reader, near, near:getfd() } do
    show("nothing yet", ml.wait_io_read(object, 0.001))
  end
  for _, object in ipairs { p.writer, near, near:getfd(), file } do
    show("room", ml.wait_io_write(object, 0.001))
  end
  show("regular", ml.wait_io_read(file), ml.wait_io_read(file))
  show("process", ml.wait_io_read(process), process:read())
  show("its end", ml.wait_io_read(process), process:read())
  local reader = ml.spawn(ml.wait_io_read, p.reader)
  local other = ml.spawn(ml.wait_io_read, p.reader)
  local writer = ml.spawn(ml.wait_io_write, far)
  ml.sleep(0)
  p.writer:write("x")
  show("readers", reader:wait(), other:wait())
  show("writer", writer:wait())
  show("again", ml.wait_io_read(p.reader), p.reader:read(1))
  show("empty", ml.wait_io_read(p.reader, 0))
  p.writer:close()
  show("end", ml.wait_io_read(p.reader), p.reader:read(1))
  show("end again", ml.wait_io_read(p.reader), p.reader:read(1))
  local closed = ml.spawn(ml.wait_io_read, near)
  ml.sleep(0)
  ml.close(near)
  show("closed", closed:wait())
  show("hang-up", ml.wait_io_read(far), ml.wait_io_write(far), far:receive(1))
  far:close()
  show("closed before", ml.wait_io_read(p.writer), ml.wait_io_write(1 << 20))
  show("a directory", ml.wait_io_read(assert(io.open("/"))))
end

function spec.test_all_answers_are_the_same_under_each_poller()
  local expected = child.passes(answers_of_all_kinds, { poller = "select" }).out
  lu.assertStrContains(expected, "a directory true")
  for _, poller in ipairs { "auto", "epoll", "poll", "sim" } do
    local result = child.run(answers_of_all_kinds, { poller = poller })
    if result.status ~= 2 then -- else it is not there
      lu.assertEquals(result.err, "", poller)
      lu.assertEquals(result.out, expected, poller)
    end
  end
end

return spec
