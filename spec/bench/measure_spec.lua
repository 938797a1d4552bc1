-- What runs the programs of the bench, and measures them.

local lu = require "luaunit"
local ml = require "miniloop"
local measure = require "bench.lib.measure"
local bench = require "bench.lib.shell"
local shell = require "spec.support.shell"

-- Runs the tool with these words; what it says.
local function run(...)
  local tool = shell.build("ML_BUILD") .. "/bench/measure"
  local _, text = bench.run(bench.join { tool, ... } .. " 2>&1 </dev/null")
  return measure.parse(text), text
end

local function sh(script)
  return "--", "sh", "-c", script
end

local spec = {}

function spec.test_marks_and_answers_are_told_apart()
  local sample = measure.parse(
    "start.cpu_ns=1\nstop.cpu_ns=4\nstop.rss_kb=9\ncount=3\nword=a b\nexit=0\n")
  lu.assertEquals(measure.cpu(sample), 3)
  lu.assertEquals({ sample.stop.rss_kb, sample.count, sample.word },
    { 9, 3, "a b" })
end

function spec.test_a_mark_waits_for_its_sample()
  local sample = run(sh [[
    echo MARK one; read x
    echo MARK two; read x
    echo a=1
  ]])
  lu.assertEquals({ sample.exit, sample.timeout, sample.a }, { 0, 0, 1 })
  lu.assertTrue(sample.two.cpu_ns >= sample.one.cpu_ns)
  lu.assertTrue(sample.one.rss_kb > 0)
end

function spec.test_cpu_time_of_children_counts()
  local sample = run(sh [[
    echo MARK start; read x
    sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done'
    echo MARK stop; read x
  ]])
  lu.assertTrue(sample.total.cpu_ns > measure.cpu(sample))
end

function spec.test_statuses_and_signals_are_told()
  lu.assertEquals(run(sh "exit 3").exit, 3)
  lu.assertEquals(run(sh "kill -9 $$").exit, 137)
  lu.assertEquals(run("--", "/nowhere/program").exit, 127)
end

function spec.test_time_is_bounded_and_nothing_is_left()
  local start = ml.now()
  local sample = run("--timeout=1", sh [[
    setsid sleep 77 &
    echo left=$!
    sleep 77
  ]])
  lu.assertEquals({ sample.timeout, sample.exit }, { 1, 137 })
  lu.assertTrue(ml.now() - start < 20)
  lu.assertNil(io.open(("/proc/%d/status"):format(sample.left)))
end

function spec.test_runs_add_up()
  local once = run(sh ":")
  local often = run("--times=10", sh ":")
  lu.assertEquals(often.exit, 0)
  lu.assertTrue(often.total.cpu_ns > once.total.cpu_ns)
end

-- A server that serves nobody, is there to be connected to, and is large.
local server = [[
  local ballast = ("x"):rep(64 * 1024 * 1024)
  local net = require "miniloop.net"
  local server = assert(net.serve("127.0.0.1:" .. arg[1], function() end))
  server:join()
  return ballast
]]

local function run_server(client, option)
  local command = os.getenv("ML_COMMAND")
  lu.skipIf(not command, "ML_COMMAND is not set: run it by ctest")
  local path = os.tmpname()
  bench.write(path, server)
  local sample = run(option, "--", command, path, "{port}", sh(client))
  os.remove(path)
  return sample
end

function spec.test_the_server_is_what_is_sampled_and_ended()
  local sample = run_server("echo MARK start; read x; echo a=1", "--core=0")
  lu.assertEquals({ sample.exit, sample.a }, { 0, 1 })
  lu.assertTrue(sample.start.cpu_ns > 0)
  lu.assertTrue(sample.start.rss_kb > 60000)
end

function spec.test_a_client_can_be_what_is_sampled()
  local sample = run_server("echo MARK start; read x; echo a=1",
    "--of-client=1")
  lu.assertEquals({ sample.exit, sample.a }, { 0, 1 })
  lu.assertTrue(sample.start.rss_kb > 0 and sample.start.rss_kb < 60000)
end

function spec.test_a_server_may_end_by_itself()
  local sample = run_server("echo a=1", "--gently=1")
  lu.assertEquals({ sample.exit, sample.timeout }, { 0, 0 })
end

function spec.test_a_server_that_dies_is_a_failure()
  lu.assertEquals(run("--", "false", sh "echo a=1").exit, 127)
end

function spec.test_wrong_words_are_refused()
  local _, text = run("--cores=1", "--", "true")
  lu.assertStrContains(text, "usage: measure")
end

return spec
