-- The examples that need no network: what their comments promise.

local lu = require "luaunit"
local example = require "spec.examples.example"

local spec = {}

-- The lines that a comment of an example promises: those indented by three.
local function promised(name)
  local root = os.getenv("ML_SOURCE") or "."
  local lines = {}
  for line in io.lines(("%s/examples/%s.lua"):format(root, name)) do
    local text = line:match("^%-%-   (%S.*)$")
    if text and not text:match("^%./dev") then
      lines[#lines + 1] = text .. "\n"
    end
  end
  return table.concat(lines)
end

local function lines_with(text, word)
  local lines = {}
  for line in text:gmatch("[^\n]+") do
    if line:find(word, 1, true) then
      lines[#lines + 1] = line
    end
  end
  return lines
end

-- C3.sleep, C3.new, C3.kill, C4.2
function spec.test_the_printers_print_the_sequence_that_is_promised()
  lu.assertEquals(example.output("01_sleep", {}, { "--virtual-time" }),
    promised "01_sleep")
end

-- Which printer comes first is up to the machine; each has its own order, and
-- is silent once it is killed.
function spec.test_the_printers_take_their_pace_from_their_arguments()
  local out = example.output("01_sleep", { "0.02", "0.05", "0.3" })
  for _, name in ipairs { "fast", "slow" } do
    for i, line in ipairs(lines_with(out, name)) do
      lu.assertEquals(line, name .. " " .. i)
    end
  end
  lu.assertStrMatches(out, ".*fast 1\n.*slow 1\n.*killed 2\nkilled 3\n")
end

function spec.test_the_printers_end_on_ctrl_c()
  local process <close> = example.start("01_sleep", { "0.01" })
  lu.assertEquals(process:line(), "fast 1")
  example.interrupt(process)
end

function spec.test_jobs_are_done_on_their_beat()
  lu.assertEquals(example.output("07_timed_jobs", { "2" },
    { "--virtual-time" }), promised "07_timed_jobs")
end

function spec.test_jobs_end_after_so_many_times()
  local out = example.output("07_timed_jobs", { "3", "0.02" })
  for _, name in ipairs { "pulse", "report", "backup" } do
    lu.assertEquals(lines_with(out, name), {
      name .. " 1", name .. " 2", name .. " 3", name .. ": done 3 times",
    })
  end
end

-- C8.5
function spec.test_jobs_end_in_good_order_on_ctrl_c()
  local process <close> = example.start("07_timed_jobs", { "1000", "0.05" })
  lu.assertEquals(process:line(), "pulse 1")
  lu.assertStrMatches(example.interrupt(process), ".*pulse: done %d+ times\n"
    .. "report: done %d+ times\nbackup: done %d+ times\n")
end

return spec
