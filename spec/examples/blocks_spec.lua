-- The examples of groups, channels, locks and timeouts: what they print, on the
-- virtual clock.

local lu = require "luaunit"
local example = require "spec.examples.example"

local spec = {}

local function output(name, args)
  return example.output(name, args, { "--virtual-time" })
end

-- C5.3, C6.1
function spec.test_the_pool_does_all_jobs_with_any_number_of_workers()
  lu.assertEquals(output "11_worker_pool",
    "9 jobs, 3 workers, sum of squares 285\n")
  lu.assertEquals(output("11_worker_pool", { 1, 4 }),
    "4 jobs, 1 workers, sum of squares 30\n")
  lu.assertEquals(output("11_worker_pool", { 100, 4 }),
    "4 jobs, 100 workers, sum of squares 30\n")
end

-- Between the first stage and the last there are two, and each may hold one.
-- C6.1
function spec.test_nothing_piles_up_in_the_pipeline()
  local n = 0
  for square, made in output "12_pipeline":gmatch(
    "square (%d+)\tmade so far: (%d)\n") do
    n = n + 1
    lu.assertEquals(tonumber(square), n * n)
    lu.assertTrue(tonumber(made) >= n and tonumber(made) <= n + 3, made)
  end
  lu.assertEquals(n, 5)
end

-- C5.8, C6.2
function spec.test_the_limiter_holds_back_what_is_over_the_burst()
  lu.assertEquals(output "13_rate_limiter",
    "20 calls took at least 0.15 s: true\n")
  lu.assertEquals(output("13_rate_limiter", { 10, 1 }),
    "20 calls took at least 1.90 s: true\n")
end

-- C5.3
function spec.test_subscribers_are_told_and_taken_off_the_list()
  lu.assertEquals(output "14_publish_subscribe", [[
subscriber 1: sunny
subscriber 2: sunny
subscribers left: none
]])
end

-- C5.8
function spec.test_the_first_good_answer_wins_and_the_others_are_closed()
  lu.assertEquals(output "15_first_of_three", [[
closed broken
closed quick
closed slow
the file, from quick
]])
end

-- C5.3, C5.6
function spec.test_the_supervisor_tries_again_and_gives_up()
  lu.assertEquals(output "16_supervisor", [[
flaky failed (no luck), attempt 1
flaky failed (no luck), attempt 2
done at last
hopeless failed (never), attempt 1
hopeless failed (never), attempt 2
false	hopeless failed too often
]])
end

-- C6.2
function spec.test_the_philosophers_all_eat()
  lu.assertEquals(output "17_philosophers", "meals: 3 3 3 3 3\n")
  lu.assertEquals(output("17_philosophers", { 20 }),
    "meals: 20 20 20 20 20\n")
end

-- C5.5, C5.7
function spec.test_the_nearest_timeout_ends_its_own_block()
  lu.assertEquals(output "18_timeouts", [[
first and nothing
nil	timeout: timed out (ETIMEDOUT)
the shield held
nil	timeout: timed out (ETIMEDOUT)
]])
end

return spec
