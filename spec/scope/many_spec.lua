-- C5.8: ml.map, ml.race, ml.every.

local child = require "spec.support.child"
local closing = require "spec.support.closing"
local lu = require "luaunit"
local ml = require "miniloop"
local raises = require "spec.support.raises"

local spec = {}

local function forever()
  ml.sleep(math.huge)
end

-- ----------------------------------------------------------------------- map

-- C5.8
function spec.test_map_gives_the_first_results_by_index()
  local results, errs = ml.map({ "a", "b", "c" }, function(item)
    ml.yield()
    return item:upper(), "ignored"
  end)
  lu.assertEquals(results, { "A", "B", "C", n = 3 })
  lu.assertEquals(errs, {})
  results, errs = ml.map({}, forever)
  lu.assertEquals({ results, errs }, { { n = 0 }, {} })
end

function spec.test_map_runs_all_at_once_unless_limited()
  child.in_virtual_time(function()
    ml.map({ 1, 2, 3, 4 }, ml.sleep)
    lu.assertEquals(ml.now(), 4.0)
  end)
end

function spec.test_map_runs_at_most_so_many_at_once()
  child.in_virtual_time(function()
    local now, most = 0, 0
    local results = ml.map({ 1, 1, 1, 1, 1 }, function(item)
      now = now + 1
      most = math.max(most, now)
      ml.sleep(item)
      now = now - 1
      return true
    end, { limit = 2 })
    lu.assertEquals({ most, #results, ml.now() }, { 2, 5, 3.0 })
  end)
end

function spec.test_map_tells_what_raised_and_what_returned_an_error()
  local value = {}
  local results, errs = ml.map({ 1, 2, 3, 4 }, function(i)
    if i == 1 then
      error(value)
    elseif i == 2 then
      return nil, "an error"
    end
    return i == 3 and 3 -- false is a result
  end)
  lu.assertEquals(results, { n = 4, [3] = 3, [4] = false })
  lu.assertIs(errs[1], value)
  lu.assertEquals(errs[2], "an error")
  lu.assertNil(errs[3])
  lu.assertNil(errs[4])
end

function spec.test_map_tells_what_was_cut_off()
  child.in_virtual_time(function()
    local results, errs = ml.map({ 1, 20, 30, 40 }, function(s)
      ml.sleep(s)
      return s
    end, { timeout = 5, limit = 2 })
    lu.assertEquals(results, { n = 4, 1 })
    for i = 2, 4 do
      lu.assertEquals(errs[i].code, "ETIMEDOUT")
    end
    lu.assertNil(errs[1])
    lu.assertEquals(ml.now(), 5.0)
  end)
end

function spec.test_map_takes_a_plain_nil_for_a_result_and_a_kill_for_a_cut()
  child.in_virtual_time(function()
    local results, errs = ml.map({ 1, 2, 3 }, function(i)
      if i == 2 then
        ml.self():kill()
      elseif i == 3 then
        ml.sleep(10)
      end
    end, { timeout = 1 })
    lu.assertEquals(results, { n = 3 })
    lu.assertNil(errs[1])
    lu.assertTrue(ml.iserror(errs[2]))
    lu.assertEquals(errs[3].code, "ETIMEDOUT")
    lu.assertEquals(select(2, ml.map({ 2 }, function()
      ml.self():kill()
    end))[1].code, "ECANCELED")
    lu.assertEquals(select(2, ml.map({ 2 }, function()
      ml.self():cancel("why")
      ml.sleep(1)
    end))[1].reason, "why")
  end)
end

function spec.test_map_ends_with_the_task_that_called_it()
  local log = {}
  local task = ml.spawn(ml.map, { 1, 2 }, function(i)
    local _ <close> = closing(log, i)
    forever()
  end)
  ml.yield()
  ml.yield()
  task:cancel("why")
  lu.assertEquals(select(2, task:wait()).reason, "why")
  lu.assertEquals(log, { 1, 2 })
end

function spec.test_the_misuse_of_map_is_told()
  raises("bad argument #1 to 'map'", function() ml.map(1, print) end)
  raises("bad argument #2 to 'map'", function() ml.map({}, 1) end)
  for _, limit in ipairs { 0, -1, 1.5, "1" } do
    local options = { limit = limit }
    raises("bad option 'limit'", function() ml.map({}, print, options) end)
  end
  local options = { timeout = "1" }
  raises("bad option 'timeout'", function() ml.map({}, print, options) end)
  lu.assertErrorMsgContains("did you mean 'limit'?", ml.map, {}, print,
    { limits = 1 })
  raises("bad argument #3 to 'map' (table", function() ml.map({}, print, 3) end)
end

-- As everywhere in Lua.
function spec.test_a_limit_is_a_number_with_an_integer_value()
  local results = ml.map({ 1, 2 }, function(i) return i end, { limit = 2.0 })
  lu.assertEquals(results, { 1, 2, n = 2 })
end

-- C2.5
function spec.test_where_lua_cannot_suspend_the_error_names_the_function()
  local function compare(f, ...)
    local arguments = table.pack(...)
    return select(2, pcall(table.sort, { 1, 2 }, function()
      f(table.unpack(arguments, 1, arguments.n))
    end))
  end
  lu.assertStrMatches(compare(ml.map, {}, print),
    "[^\n]*many_spec%.lua:%d+: cannot call 'map' here: Lua cannot .*")
  lu.assertStrMatches(compare(ml.race),
    "[^\n]*many_spec%.lua:%d+: cannot call 'race' here: Lua cannot .*")
end

-- ---------------------------------------------------------------------- race

function spec.test_race_tells_of_functions_that_were_ended()
  local _, err = ml.race(function()
    ml.self():cancel("why")
    ml.sleep(1)
  end, function()
    return nil, "an error"
  end)
  lu.assertEquals(err.errors[1].code, "ECANCELED")
  lu.assertEquals(err.errors[1].reason, "why")
  lu.assertEquals(err.errors[2], "an error")
end

function spec.test_race_gives_the_results_of_the_first_to_succeed()
  child.in_virtual_time(function()
    local log = {}
    local got = table.pack(ml.race(function()
      local _ <close> = closing(log, "slow", function(err)
        table.insert(log, err.code)
      end)
      ml.sleep(10)
    end, function()
      ml.sleep(1)
      error("raising is no success")
    end, function()
      ml.sleep(2)
      return nil, "nor is this"
    end, function()
      ml.sleep(3)
      return 1, nil, 3
    end))
    lu.assertEquals(got, { n = 3, 1, nil, 3 })
    lu.assertEquals(log, { "slow", "ECANCELED" })
    lu.assertEquals(ml.now(), 3.0)
  end)
end

function spec.test_race_takes_false_and_nothing_for_success()
  lu.assertEquals({ ml.race(function() return false end) }, { false })
  lu.assertEquals(select("#", ml.race(function() end)), 0)
end

function spec.test_race_takes_the_first_of_two_that_end_in_one_round()
  local function after_a_turn(name)
    return function()
      ml.yield()
      return name
    end
  end
  lu.assertEquals(ml.race(after_a_turn("first"), after_a_turn("second")),
    "first")
end

function spec.test_race_gives_all_errors_if_none_succeeds()
  local value = {}
  local ok, err = ml.race(function() error(value) end,
    function() return nil, "an error" end)
  lu.assertNil(ok)
  lu.assertTrue(ml.iserror(err))
  lu.assertEquals({ err.code, err.op }, { "EFAILED", "race" })
  lu.assertIs(err.errors[1], value)
  lu.assertEquals(err.errors[2], "an error")
end

function spec.test_race_ends_with_the_task_that_called_it()
  local log = {}
  local task = ml.spawn(ml.race, function()
    local _ <close> = closing(log, "runner")
    forever()
  end)
  ml.yield()
  ml.yield()
  task:cancel("why")
  lu.assertEquals(select(2, task:wait()).reason, "why")
  lu.assertEquals(log, { "runner" })
end

function spec.test_the_misuse_of_race_is_told()
  raises("bad argument #2 to 'race'", function() ml.race(print, 1) end)
end

-- --------------------------------------------------------------------- every

function spec.test_every_calls_on_a_steady_beat_from_one_period_on()
  child.in_virtual_time(function()
    local beats = {}
    local task = ml.every(2, function()
      table.insert(beats, ml.now())
      ml.sleep(1.5) -- what it takes does not shift the beat
    end)
    ml.sleep(9)
    lu.assertEquals(beats, { 2.0, 4.0, 6.0, 8.0 })
    task:kill()
  end)
end

function spec.test_every_counts_from_the_call()
  child.in_virtual_time(function()
    local beats = {}
    local task = ml.every(2, function() table.insert(beats, ml.now()) end)
    local start = ml.now()
    ml.sleep(2.5)
    lu.assertEquals(beats, { start + 2 })
    task:kill()
  end)
end

function spec.test_every_skips_beats_that_were_missed()
  child.in_virtual_time(function()
    local beats = {}
    local task = ml.every(2, function()
      table.insert(beats, ml.now())
      if #beats == 1 then
        ml.sleep(5)
      end
    end)
    ml.sleep(13)
    lu.assertEquals(beats, { 2.0, 8.0, 10.0, 12.0 })
    task:kill()
  end)
end

function spec.test_every_ends_with_an_error_that_its_handle_has()
  child.in_virtual_time(function()
    local count = 0
    local task = ml.every(1, function()
      count = count + 1
      if count == 3 then
        error("enough", 0)
      end
    end)
    local ok, err = task:wait()
    lu.assertNil(ok)
    lu.assertEquals(err.value, "enough")
    lu.assertEquals(ml.now(), 3.0)
  end)
end

function spec.test_every_goes_on_when_nil_and_an_error_is_returned()
  child.in_virtual_time(function()
    local count = 0
    local task = ml.every(1, function()
      count = count + 1
      return nil, "an error"
    end)
    ml.sleep(3.5)
    lu.assertEquals(count, 3)
    task:kill()
  end)
end

function spec.test_every_of_no_time_at_all_lets_others_run()
  local count = 0
  local task = ml.every(0, function() count = count + 1 end)
  for _ = 1, 20 do
    ml.yield()
  end
  task:kill()
  lu.assertTrue(count > 1)
end

function spec.test_every_is_reported_where_it_was_asked_for()
  local result = child.run(function()
    ml.every(1, error)
  end, { virtual = true })
  lu.assertStrMatches(result.err, ".*spawned at:%s+[^\n]*many_spec%.lua.*")
  lu.assertEquals(result.status, 1)
end

function spec.test_the_misuse_of_every_is_told()
  raises("bad argument #1 to 'every'", function() ml.every("1", print) end)
  raises("a time cannot be NaN", function() ml.every(0 / 0, print) end)
  raises("bad argument #2 to 'every'", function() ml.every(1) end)
end

return spec
