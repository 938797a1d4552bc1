-- The cap on memory, --max-memory (C8.1, C9.1): who asks for more gets the
-- error, the others go on, and clean-up runs. spec/torture/hog.lua has the
-- hostile scripts; ./dev torture cap runs them under caps of many sizes.

local lu = require "luaunit"
local command = require "spec.support.command"

local run, expect = command.run, command.expect

local root = arg[0]:match("^(.*/)spec/[^/]*$") or ""
local hog = root .. "spec/torture/hog.lua"

local function capped(cap, chunk)
  return run { "--max-memory=" .. cap, "-l", "ml=miniloop", "-e", chunk }
end

local spec = {}

function spec.test_units_are_powers_of_1024()
  -- (Lua makes a string of that size in a block of its own first.)
  local chunk = "print(pcall(function() return #('x'):rep(%d << 20) >> 20 end))"
  for _, cap in ipairs { "8388608", "8192K", "8192k", "8M", "8m" } do
    expect(capped(cap, chunk:format(3)), 0, "true\t3\n", "")
    expect(capped(cap, chunk:format(4)), 0, "false\tnot enough memory\n", "")
  end
  expect(capped("1G", chunk:format(8)), 0, "true\t8\n", "")
end

function spec.test_a_cap_below_what_the_runtime_needs_is_told_at_the_start()
  for _, cap in ipairs { "1", "1K", "100K" } do
    expect(capped(cap, "print 'ran'"), 1, "", ("miniloop: cannot make an event "
      .. "loop: --max-memory=%s is less than the runtime itself needs\n")
      :format(cap))
  end
  expect(capped("300K", "print 'ran'"), 0, "ran\n", "")
end

-- Whatever the size, it either says so or runs, and the report of a hog that
-- died is complete.
function spec.test_every_cap_between_the_two_ends_well()
  for cap = 120, 300, 15 do
    local result = capped(cap .. "K", [[
      ml.sleep(0)
      local list
      while true do list = { list } end
    ]])
    expect(result, 1, "")
    if not result.err:find("runtime itself needs\n$") then
      lu.assertStrMatches(result.err, "miniloop: task 1 failed: not enough "
        .. "memory\n.*")
    end
  end
end

function spec.test_a_script_that_does_not_fit_cannot_be_loaded()
  local words = {}
  for i = 1, 20000 do
    words[i] = ("a%d = 'word %d'"):format(i, i)
  end
  command.with_file(table.concat(words, "\n"), function(path)
    local result = run { "--max-memory=1M", path }
    expect(result, 2, "")
    lu.assertStrContains(result.err, "not enough memory")
  end)
end

function spec.test_a_big_string_is_refused_at_once_and_costs_nobody()
  expect(capped("4M", [[
    local beat = ml.spawn(function()
      for i = 1, 5 do ml.yield() end
      return 5
    end)
    for i = 1, 100 do
      assert(not pcall(string.rep, "x", 1 << 33))
      if i % 20 == 0 then ml.yield() end
    end
    print(ml.wait(beat))
  ]]), 0, "true\t5\n", "")
end

function spec.test_what_can_be_collected_is_no_reason_to_refuse()
  for _, thing in ipairs { "('x'):rep(n << 19)", "net.buffer(n << 20)" } do
    expect(capped("4M", ([[
      local net = require "miniloop.net"
      local function make(n)
        local _ = %s
      end
      for i = 1, 100 do
        make(i %% 3 + 1)
      end
      print "all"
    ]]):format(thing)), 0, "all\n", "")
  end
end

function spec.test_the_failure_of_a_hog_is_reported_and_the_rest_runs()
  local result = capped("2M", [[
    ml.new(function() local list while true do list = { list } end end)
    for _ = 1, 10 do ml.sleep(0) end
    print(#("x"):rep(1 << 19))
  ]])
  expect(result, 1, "524288\n")
  lu.assertStrMatches(result.err, "miniloop: task 2 failed: not enough memory\n"
    .. "  spawned at:\n    %(command line%):1[^\n]*\n")
end

-- Each handler of the ten has room for what it makes.
function spec.test_clean_up_has_memory_that_the_hog_had_not()
  expect(capped("1M", [[
    local closed = {}
    local function file(i)
      return setmetatable({}, { __close = function()
        ml.sleep(0.0001)
        closed[#closed + 1] = { ("closed %d"):format(i) }
      end })
    end
    local keep
    local ok, err = pcall(function()
      local a <close>, list = file(1)
      local b <close> = file(2)
      local c <close> = file(3)
      keep = {}
      while true do keep = { keep } end
    end)
    keep = nil
    print(ok, err, #closed, closed[1][1], closed[3][1])
  ]]), 0, "false\tnot enough memory\t3\tclosed 3\tclosed 1\n", "")
end

function spec.test_a_group_whose_member_hogs_fails_with_that()
  expect(capped("2M", [[
    print(pcall(ml.group, function(g)
      g:spawn(function()
        local ok, err = pcall(ml.sleep, 1000)
        print(ok, err.code)
      end)
      g:spawn(function() local t = {} for i = 1, math.huge do t[i] = {} end end)
    end))
  ]]), 0, "false\tECANCELED\nfalse\tnot enough memory\n", "")
end

function spec.test_a_killed_task_can_close_while_memory_is_held()
  expect(capped("1M", [[
    local log
    local kid = ml.spawn(function()
      local _ <close> = setmetatable({}, { __close = function()
        log = { "closed", { "with", #tostring(log) } }
      end })
      ml.sleep(1000)
    end)
    ml.yield()
    local list
    pcall(function() while true do list = { list } end end)
    kid:kill()
    list = nil
    print(log[1])
  ]]), 0, "closed\n", "")
end

-- Every pattern under one cap, another one for each; above 16M the runtime
-- allocates in slabs.
function spec.test_no_hog_costs_anybody_else()
  local caps = { "512K", "1M", "17M", "3M", "1500K" }
  local n = 0
  for pattern in run({ hog }).out:gmatch("[^\n]+") do
    n = n + 1
    local cap = caps[n % #caps + 1]
    local result = run { "--max-memory=" .. cap, "--timeout=30", hog, pattern }
    local told = ("%s under %s: %s"):format(pattern, cap, result.err)
    lu.assertEquals(result.status, 0, told)
    lu.assertEquals(result.out, "all is well\n", told)
    lu.assertEquals(result.err, "", told)
  end
  lu.assertTrue(n > 20)
end

return spec
