-- Wrong use raises, at the line of the caller: C2.1, and the numbers of C2.3.

local child = require "spec.support.child"
local core = require "miniloop.core"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local raises = require "spec.support.raises"

local spec = {}

local nan = 0 / 0

-- ----------------------------------------------------------------- arguments

function spec.test_the_call_is_named_though_pcall_itself_calls_it()
  for _, call in ipairs { ml.sleep, syscall.sleep } do
    local _, message = pcall(call, "1")
    lu.assertStrMatches(message, "bad argument #1 to '[%w.]*sleep' %(.*%)")
  end
end

function spec.test_what_cannot_be_called_is_no_task()
  raises("bad argument #1 to 'new'", function() ml.new(nil) end)
  raises("bad argument #1 to 'new'", function() syscall.new({}) end)
  raises("bad argument #1 to 'spawn'", function() ml.spawn("f") end)
  raises("bad argument #1 to 'spawn'", function() ml.spawn() end)
end

function spec.test_what_has_a_call_metamethod_can_be_a_task()
  local function call(_, x)
    return x + 1
  end
  local callable = setmetatable({}, { __call = call })
  lu.assertEquals({ ml.spawn(callable, 1):wait() }, { true, 2 })
end

function spec.test_a_task_is_meant_by_an_integer_or_a_handle()
  local text = "a task's id or handle expected"
  for _, call in ipairs { ml.wait, ml.kill, ml.cancel } do
    raises(text, function() call("3") end)
    raises(text, function() call({}) end)
    raises(text, function() call() end)
    raises(text, function() call(syscall.id()) end)
    raises("has no integer representation", function() call(1.5) end)
    raises("has no integer representation", function() call(nan) end)
    raises("has no integer representation", function() call(math.huge) end)
  end
end

function spec.test_a_float_that_is_an_integer_is_one()
  local task = ml.spawn(function() return "x" end)
  lu.assertEquals({ ml.wait(task.id + 0.0) }, { true, "x" })
end

function spec.test_an_io_is_a_descriptor_or_has_one()
  for _, call in ipairs {
    ml.wait_io_read, ml.wait_io_write, ml.close, ml.forget,
    syscall.wait_io_read, syscall.wait_io_write,
  } do
    raises("bad argument #1", function() call("1") end)
    raises("bad argument #1", function() call() end)
    raises("bad argument #1", function() call(true) end)
    raises("has no integer representation", function() call(0.5) end)
    raises("it has no method getfd, fileno or pollfd", function() call({}) end)
    raises("it has no method", function() call({ getfd = 3 }) end)
    raises("bad argument #1", function() call(ml.event()) end)
  end
end

-- What the value itself says about that, unless it is no text.
function spec.test_an_io_that_raises_when_it_is_asked_for_its_methods()
  local object = setmetatable({}, { __index = function() error("none", 0) end })
  raises("bad argument #1 to 'wait_io_read' (none)",
    function() ml.wait_io_read(object) end)
  local value = {}
  getmetatable(object).__index = function() error(value) end
  local ok, err = pcall(ml.wait_io_read, object)
  lu.assertFalse(ok)
  lu.assertIs(err, value)
end

-- A script can call what the collector and the end of a block call.
function spec.test_the_metamethods_of_an_object_take_no_other()
  local near, far = net.pair()
  local channel = ml.channel()
  for _, object in ipairs { near, channel } do
    local metatable = getmetatable(object)
    for _, other in ipairs { 1, {}, ml.event(), io.stdout } do
      for _, name in ipairs { "__gc", "__close" } do
        if metatable[name] then
          lu.assertFalse(pcall(metatable[name], other), name)
        end
      end
    end
  end
  getmetatable(near).__close(near)
  lu.assertNil(far:recv())
  far:close()
end

-- --------------------------------------------------------------- times, C2.3

function spec.test_strings_are_never_taken_for_times()
  local text = "number expected, got string"
  raises(text, function() ml.sleep("1") end)
  raises(text, function() syscall.sleep("1") end)
  raises(text, function() ml.wait(9, "1") end)
  raises(text, function() ml.wait_io_read(0, "1") end)
  raises(text, function() ml.wait_io_write(1, "1") end)
  raises(text, function() ml.self():wait("1") end)
end

function spec.test_nan_is_no_time()
  local text = "a time cannot be NaN"
  raises(text, function() ml.sleep(nan) end)
  raises(text, function() ml.sleep(-nan) end)
  raises(text, function() syscall.sleep(nan) end)
  raises(text, function() ml.wait(9, nan) end)
  raises(text, function() ml.wait_io_read(0, nan) end)
  raises(text, function() syscall.wait_io_write(1, nan) end)
end

function spec.test_a_sleep_needs_its_time_and_a_wait_does_not()
  raises("number expected, got no value", function() ml.sleep() end)
  raises("number expected, got nil", function() ml.sleep(nil) end)
  raises("number expected, got table", function() syscall.sleep({}) end)
  lu.assertEquals({ ml.spawn(function() end):wait(nil) }, { true })
end

function spec.test_arguments_are_checked_before_anything_happens()
  raises("a time cannot be NaN", function() ml.wait(0, nan) end)
  raises("number expected", function() ml.wait_io_read(-1, "x") end)
end

-- -------------------------------------------------------------------- fields

function spec.test_an_unknown_field_names_its_nearest_neighbour()
  raises("miniloop has no field 'slep'; did you mean 'sleep'?",
    function() return ml.slep end)
  raises("syscall has no field 'wait_io_raed'; did you mean 'wait_io_read'?",
    function() return syscall.wait_io_raed end)
  local task = ml.spawn(function() end)
  raises("a task has no field 'stauts'; did you mean 'status'?",
    function() return task.stauts end)
  raises("a task has no field 'nme'; did you mean 'name'?",
    function() return task.nme end)
  local _, err = ml.kill(0)
  raises("an error has no field 'cod'; did you mean 'code'?",
    function() return err.cod end)
end

function spec.test_of_names_as_near_that_with_the_longer_start_in_common()
  local udp <close> = assert(net.udp())
  raises("no field 'sendt'; did you mean 'sendto'?",
    function() return udp.sendt end)
end

function spec.test_an_unknown_field_that_is_near_to_none_names_none()
  local _, message = pcall(function() return ml.xyzzy end)
  lu.assertStrContains(message, "miniloop has no field 'xyzzy'")
  lu.assertNotStrContains(message, "did you mean")
end

-- More than are compared.
function spec.test_a_neighbour_is_looked_for_among_many_names()
  local names = {}
  for i = 1, 300 do
    names["name" .. i] = true
  end
  lu.assertStrMatches(core.unknown("it", "nme", names),
    "it has no field 'nme'.*")
end

function spec.test_a_key_that_is_no_string_is_misuse_too()
  raises("miniloop has no field", function() return ml[1] end)
  raises("", function() return syscall[{}] end)
  local task = ml.spawn(function() end)
  raises("", function() return task[true] end)
end

-- Called by pcall itself, where Lua says "miniloop.sleep" or "?".
function spec.test_a_function_is_named_however_it_is_called()
  local channel = ml.channel()
  local cases = {
    sleep = { ml.sleep, "x" },
    wait = { syscall.wait, {} },
    send = { channel.send, channel, nil },
    listen = { net.listen, 80 },
    kill = { ml.kill, 1.5 },
    join = { ml.self().join, ml.self(), "x" },
  }
  for name, call in pairs(cases) do
    local ok, message = pcall(table.unpack(call, 1, 3))
    lu.assertFalse(ok)
    lu.assertStrMatches(message, "bad argument #%d to '" .. name .. "' .*")
  end
end

function spec.test_of_a_task_only_the_name_can_be_set()
  local task = ml.spawn(function() end)
  raises("the field 'id' of a task cannot be set", function() task.id = 1 end)
  raises("cannot be set", function() task.foo = 1 end)
  local function set_number() task.name = 3 end
  raises("the name of a task is a string; got number", set_number)
  task.name = "worker"
  task.name = nil
end

function spec.test_a_method_called_without_its_object_is_misuse()
  local task = ml.spawn(function() end)
  raises("bad argument #1 to 'wait'", function() task.wait() end)
  raises("bad argument #1 to 'status'", function() task.status() end)
  raises("bad argument #1 to 'join'", function() task.join({}) end)
end

-- --------------------------------------------------- the world is not misuse

function spec.test_what_goes_wrong_in_the_world_is_nil_and_an_error()
  for _, answer in ipairs {
    table.pack(ml.kill(0)),
    table.pack(ml.wait(1 << 40)),
    table.pack(ml.wait_io_read(999999)),
    table.pack(ml.close(999999)),
  } do
    lu.assertEquals(answer.n, 2)
    lu.assertNil(answer[1])
    lu.assertTrue(ml.iserror(answer[2]))
  end
end

-- ------------------------------------------------------------ odd arguments

function spec.test_a_light_userdata_is_called_so()
  local null = require "cjson".null
  raises("number expected, got light userdata", function() ml.sleep(null) end)
end

-- The method is not among those of what it is given.
function spec.test_a_method_of_another_kind_of_object_has_no_name()
  local send = ml.channel().send
  local _, err = ml.kill(0)
  for _, other in ipairs { ml.event(), err, io.stdout, "text", 1, print } do
    local _, message = pcall(send, other)
    lu.assertStrContains(message, "bad argument #1 to '?' (")
  end
end

-- However many fields a script adds to a module, and under whatever keys.
function spec.test_a_module_with_hundreds_of_fields_knows_its_own()
  child.passes(function()
    for i = 1, 300 do
      rawset(ml, "field" .. i, i)
      rawset(ml, i, ml.sleep)
    end
    raises("miniloop has no field 'x'", function() return ml.x end)
    rawset(ml, "sleep", nil)
    local _, message = pcall(ml[1], "x")
    lu.assertStrContains(message, "number expected, got string")
  end)
end

return spec
