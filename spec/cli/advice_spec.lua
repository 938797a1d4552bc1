-- What the command says of a mistake that people make.

local command = require "spec.support.command"
local lu = require "luaunit"

local spec = {}

local function eval(chunk)
  return command.run { "-e", chunk }
end

function spec.test_a_script_that_never_yields_its_requests_is_told_so()
  local result = eval "syscall.sleep(1)\nsyscall.sleep(2)"
  lu.assertEquals(result.status, 0)
  lu.assertStrContains(result.err,
    "(command line):1: syscall.sleep only makes a request")
end

function spec.test_where_a_request_was_made_is_a_line()
  local result = eval "local x = 1\npcall(syscall.sleep, 1)"
  lu.assertStrContains(result.err,
    "(command line):2: syscall.sleep only makes a request")
end

function spec.test_a_request_that_is_kept_beside_others_is_no_mistake()
  local result = eval [[local kept = syscall.sleep(9)
    coroutine.yield(syscall.sleep(0))]]
  lu.assertEquals(result.err, "")
  result = eval [[coroutine.yield(syscall.sleep(0))
    local kept = syscall.sleep(9)]]
  lu.assertEquals(result.err, "")
  result = eval "require 'miniloop'.any { syscall.sleep(0) }"
  lu.assertEquals(result.err, "")
end

return spec
