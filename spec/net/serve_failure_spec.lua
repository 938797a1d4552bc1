-- Servers whose handlers fail: C7.2.

local child = require "spec.support.child"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local servers = require "spec.support.servers"

local assert_echoes = servers.assert_echoes
local client = servers.client
local guest = servers.guest
local serve = servers.serve
local stay = servers.stay

local spec = {}

spec.after_each = servers.stop

function spec.test_on_error_gets_error_connection_and_traceback()
  local got
  local value = { "an error value" }
  serve(function()
    error(value)
  end, {
    on_error = function(err, conn, traceback)
      got = { err, traceback }
      conn:write("sorry\n")
    end,
  })
  local conn <close> = client()
  lu.assertEquals(conn:read("a"), "sorry\n")
  lu.assertIs(got[1], value)
  lu.assertStrContains(got[2], "serve_failure_spec.lua:")
end

function spec.test_an_error_ends_its_own_connection_alone()
  serve(function(conn)
    for line in conn:lines() do
      if line == "die" then
        error("boom")
      end
      conn:write(line, "\n")
    end
  end, { on_error = function() end })
  local one <close> = client()
  assert_echoes(one)
  do
    local other <close> = client()
    other:write("die\n")
    lu.assertNil(other:read())
  end
  assert_echoes(one)
end

local function conversation(handler, options)
  local mine = assert(net.serve("127.0.0.1:0", handler, options))
  local conn <close> = assert(net.connect(mine:address()))
  conn:write("go\n")
  conn:read("a")
  assert(mine:stop())
end

function spec.test_an_error_is_reported_and_leaves_the_exit_status_alone()
  local result = child.run(function()
    conversation(function(conn)
      conn:read()
      error("boom")
    end)
    print("done")
  end)
  lu.assertEquals({ result.status, result.out }, { 0, "done\n" })
  lu.assertStrContains(result.err, "boom")
  lu.assertStrContains(result.err, "serve_failure_spec.lua:")
  lu.assertStrContains(result.err, "failed")
  lu.assertStrContains(result.err, "spawned at")
end

function spec.test_an_error_in_on_error_is_reported()
  local result = child.run(function()
    conversation(function()
      error("boom")
    end, {
      on_error = function(err)
        error("worse than " .. err)
      end,
    })
  end)
  lu.assertEquals(result.status, 0)
  lu.assertStrContains(result.err, "worse than")
end

function spec.test_an_error_value_without_text_is_reported()
  local result = child.run(function()
    conversation(function()
      error(setmetatable({}, { __tostring = function()
        error("no text")
      end }))
    end)
  end)
  lu.assertEquals(result.status, 0)
  lu.assertStrContains(result.err, "failed")
end

function spec.test_a_stack_overflow_in_a_handler_is_reported()
  local result = child.run(function()
    conversation(function()
      local function f()
        return 1 + f()
      end
      f()
    end)
  end)
  lu.assertEquals(result.status, 0)
  lu.assertStrContains(result.err, "stack overflow")
end

-- The client goes away by a reset when the handler has begun.
local function hang_up(handler)
  local begun = ml.event()
  local mine = assert(net.serve("127.0.0.1:0", function(conn)
    begun:set()
    handler(conn)
  end))
  local conn = assert(net.connect(mine:address()))
  begun:wait()
  conn:setoption("linger", 0)
  conn:close()
  assert(mine:stop())
end

function spec.test_the_peers_reset_let_go_is_no_report()
  child.passes(function()
    hang_up(function(conn)
      assert(conn:read())
    end)
    hang_up(function(conn)
      repeat
        assert(conn:write(("x"):rep(65536)))
      until false
    end)
  end)
end

function spec.test_the_reset_of_another_peer_is_reported()
  local result = child.run(function()
    local upstream = assert(net.listen("127.0.0.1:0"))
    ml.spawn(function()
      local conn = assert(upstream:accept())
      conn:setoption("linger", 0)
      conn:close()
    end)
    conversation(function(conn)
      conn:read()
      local other <close> = assert(net.connect(upstream:address()))
      assert(other:read())
    end)
    upstream:close()
  end)
  lu.assertEquals(result.status, 0)
  lu.assertStrContains(result.err, "ECONNRESET")
end

-- C7.2: only of the handler's own peer
function spec.test_a_broken_pipe_that_is_not_the_peers_is_reported()
  local result = child.run(function()
    local channel = ml.channel()
    channel:close()
    conversation(function()
      assert(channel:send(1))
    end)
    local near, far = net.pair()
    far:close()
    conversation(function(conn)
      conn:close()
      assert(near:write("x"))
    end)
  end)
  lu.assertEquals(result.status, 0)
  lu.assertStrContains(result.err, "send: broken pipe (EPIPE)")
  lu.assertStrContains(result.err, "write: broken pipe (EPIPE)")
end

-- C7.2
function spec.test_the_reset_is_no_report_when_the_handler_has_closed()
  child.passes(function()
    hang_up(function(conn)
      local _, err = conn:read()
      conn:close()
      error(err)
    end)
  end)
end

function spec.test_a_cancelled_handler_is_no_report()
  child.passes(function()
    local mine = assert(net.serve("127.0.0.1:0", stay))
    local conn <close> = guest(mine)
    local _, err = mine:stop(0)
    assert(err.code == "ETIMEDOUT")
    assert(conn:read("a") == "")
  end)
end

-- A handler that lets go somebody else's cancellation has failed.
function spec.test_a_foreign_cancellation_is_reported()
  local result = child.run(function()
    conversation(function()
      local task = ml.spawn(function()
        return select(2, pcall(ml.sleep, 60))
      end)
      ml.yield()
      task:cancel()
      error(select(2, task:wait()))
    end)
  end)
  lu.assertEquals(result.status, 0)
  lu.assertStrContains(result.err, "ECANCELED")
end

return spec
