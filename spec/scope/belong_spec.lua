-- C5.4: what is spawned belongs to the current group, or is detached.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"

local spec = {}

local function forever()
  ml.sleep(math.huge)
end

-- C5.4
function spec.test_a_spawned_task_is_awaited_by_the_group_it_starts_in()
  local log = {}
  ml.group(function()
    ml.spawn(function()
      ml.yield()
      ml.spawn(function() -- of the group that its parent belongs to
        ml.yield()
        table.insert(log, "grandchild")
      end)
      table.insert(log, "child")
    end)
  end)
  lu.assertEquals(log, { "child", "grandchild" })
end

function spec.test_the_current_group_is_the_innermost_block_of_the_caller()
  local log = {}
  ml.group(function()
    ml.group(function()
      ml.spawn(function()
        ml.yield()
        table.insert(log, "inner")
      end)
    end)
    table.insert(log, "inner group")
    ml.spawn(function()
      ml.yield()
      table.insert(log, "outer")
    end)
  end)
  table.insert(log, "outer group")
  lu.assertEquals(log, { "inner", "inner group", "outer", "outer group" })
end

function spec.test_a_timeout_or_shield_between_makes_no_difference()
  local log = {}
  ml.group(function()
    ml.timeout(math.huge, ml.shield, function()
      coroutine.wrap(ml.spawn)(function()
        ml.yield()
        table.insert(log, "awaited")
      end)
    end)
  end)
  lu.assertEquals(log, { "awaited" })
end

function spec.test_a_spawned_task_is_cancelled_with_the_group()
  local log = {}
  lu.assertNil((ml.group(function(g)
    ml.spawn(function()
      local _ <close> = closing(log, "cancelled", function(err)
        table.insert(log, err.code)
      end)
      forever()
    end)
    ml.yield()
    g:cancel()
  end)))
  lu.assertEquals(log, { "cancelled", "ECANCELED" })
end

function spec.test_a_spawned_task_is_killed_with_the_group()
  local log = {}
  local owner = ml.spawn(function()
    ml.group(function()
      ml.spawn(function()
        local _ <close> = closing(log, "killed", function(err)
          table.insert(log, tostring(err))
        end)
        forever()
      end)
    end)
  end)
  ml.yield()
  ml.yield()
  owner:kill()
  lu.assertEquals(log, { "killed", "nil" })
end

function spec.test_the_failure_of_a_spawned_task_goes_to_its_handle()
  local task
  lu.assertEquals(ml.group(function(g)
    task = ml.spawn(error, "mine", 0)
    g:spawn(ml.yield)
    ml.yield()
    lu.assertEquals(g:failures(), {})
    return "fine"
  end), "fine")
  lu.assertEquals(select(2, task:wait()).value, "mine")
end

function spec.test_the_failure_of_a_spawned_task_is_reported_if_not_taken()
  local result = child.run(function()
    ml.group(function()
      ml.spawn(error, "not taken", 0)
    end)
    print("the group ended well")
  end)
  lu.assertEquals(result.out, "the group ended well\n")
  lu.assertStrContains(result.err, "not taken")
  lu.assertEquals(result.status, 1)
end

-- C5.4
function spec.test_a_beat_that_fails_fails_its_handle_and_not_the_group()
  local task
  lu.assertEquals(ml.group(function(g)
    task = ml.every(0, error, "mine")
    lu.assertEquals(select(2, task:wait()).code, "EFAILED")
    lu.assertEquals(g:failures(), {})
    return "fine"
  end), "fine")
  lu.assertEquals(task:status(), "failed")
end

-- A server in a group, and a client of it whose connection is being served.
local function serve_one(handler)
  local server = assert(net.serve("127.0.0.1:0", function(conn)
    conn:write("in\n")
    handler(conn)
  end))
  local conn = assert(net.connect(server:address()))
  lu.assertEquals(conn:read(), "in")
  return conn, server
end

-- C5.4
function spec.test_a_server_is_awaited_by_the_group_it_starts_in()
  local log = {}
  local conn
  ml.group(function(g)
    local server
    conn, server = serve_one(function(c)
      c:read("a")
      table.insert(log, "served")
    end)
    g:spawn(function()
      ml.yield() -- the block has ended
      table.insert(log, "stopping")
      conn:shutdown("write")
      server:stop()
    end)
  end)
  lu.assertEquals(log, { "stopping", "served" })
  conn:close()
end

-- C5.4
function spec.test_a_server_is_cancelled_and_killed_with_its_group()
  for _, ending in ipairs { "cancel", "kill" } do
    local log = {}
    local ready, conn, server = ml.event(), nil, nil
    local owner = ml.spawn(ml.group, function()
      conn, server = serve_one(function(c)
        local _ <close> = closing(log, "handler", function(err)
          table.insert(log, err and err.code or "none")
        end)
        c:read("a")
      end)
      ready:set()
      forever()
    end)
    ready:wait()
    owner[ending](owner)
    owner:wait()
    lu.assertEquals(log, { "handler",
      ending == "cancel" and "ECANCELED" or "none" })
    lu.assertEquals(conn:read("a"), "")
    conn:close()
    lu.assertEquals(select(2, net.connect(server:address())).code,
      "ECONNREFUSED")
  end
end

-- C5.4
function spec.test_the_failure_of_a_handler_is_not_the_groups()
  local result = child.run(function()
    print(ml.group(function(g)
      local server = assert(net.serve("127.0.0.1:0", function()
        error("mine", 0)
      end))
      local conn <close> = assert(net.connect(server:address()))
      lu.assertEquals(conn:read("a"), "")
      server:stop()
      return #g:failures()
    end))
  end)
  lu.assertEquals({ result.out, result.status }, { "0\n", 0 })
  lu.assertStrContains(result.err, "mine")
end

function spec.test_a_detached_task_belongs_to_the_loop()
  for _, start in ipairs {
    ml.detach,
    ml.new,
    function(...) return coroutine.yield(syscall.new(...)) end,
  } do
    local event = ml.event()
    local task
    ml.group(function(g)
      task = start(function()
        event:wait()
        return "outlived the group"
      end)
      ml.yield()
      g:cancel()
      pcall(ml.yield)
    end)
    event:set()
    lu.assertEquals({ ml.wait(task) }, { true, "outlived the group" })
  end
end

function spec.test_what_a_detached_task_spawns_is_detached_too()
  local grandchild
  ml.group(function()
    ml.detach(function()
      grandchild = ml.spawn(forever)
    end)
    ml.yield()
  end)
  lu.assertEquals(grandchild:status(), "ready")
  grandchild:kill()
end

function spec.test_detach_gives_a_handle()
  local task = ml.detach(function(...) return ... end, 1, nil)
  lu.assertEquals(table.pack(task:wait()), { n = 3, true, 1, nil })
end

function spec.test_no_task_outlives_its_group_when_the_block_fails()
  local count = #ml.tasks()
  pcall(ml.group, function(g)
    g:spawn(forever)
    ml.spawn(forever)
    ml.every(10, forever)
    ml.yield()
    error("x")
  end)
  lu.assertEquals(#ml.tasks(), count)
end

function spec.test_no_task_outlives_its_group_when_its_task_is_cancelled()
  local count = #ml.tasks()
  for _, ending in ipairs { "kill", "cancel" } do
    local owner = ml.spawn(function()
      ml.group(function(g)
        g:spawn(forever)
        ml.spawn(forever)
        ml.every(10, forever)
      end)
    end)
    ml.yield()
    ml.yield()
    owner[ending](owner)
    owner:wait()
    lu.assertEquals(#ml.tasks(), count)
  end
end

function spec.test_a_member_that_shields_itself_is_awaited_all_the_same()
  local log = {}
  pcall(ml.group, function(g)
    g:spawn(ml.shield, function()
      ml.sleep(0)
      ml.sleep(0)
      table.insert(log, "member")
    end)
    ml.yield()
    error("x")
  end)
  lu.assertEquals(log, { "member" })
end

return spec
