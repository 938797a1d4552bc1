-- What the bench says of its results: goals, tables, the report, the records.

local lu = require "luaunit"
local goals = require "bench.lib.goals"
local grid = require "bench.lib.grid"
local report = require "bench.lib.report"
local sample = require "spec.bench.sample"
local store = require "bench.lib.store"

local function states(record)
  local list = {}
  for i, verdict in ipairs(goals.judge(record.row, record.results[1])) do
    list[i] = verdict.state
  end
  return list
end

local spec = {}

function spec.test_a_goal_holds_when_the_lower_end_is_at_or_under_it()
  lu.assertEquals(states(sample.record()),
    { "holds", "missed", "unknown", "unknown", "holds" })
end

function spec.test_it_is_the_lower_end_that_counts()
  local record = sample.record()
  local summary = goals.judge(record.row, record.results[1])[1].summary
  lu.assertTrue(summary.low < summary.median)
  record.row.goals[1].at_most = summary.low
  lu.assertEquals(states(record)[1], "holds")
  record.row.goals[1].at_most = summary.low - 1e-6
  lu.assertEquals(states(record)[1], "missed")
end

function spec.test_five_rounds_claim_nothing()
  lu.assertEquals(states(sample.record(5)),
    { "unknown", "unknown", "unknown", "unknown", "unknown" })
end

function spec.test_a_verdict_tells_what_was_found()
  local record = sample.record()
  local verdicts = goals.judge(record.row, record.results[1])
  lu.assertStrMatches(grid.verdict(verdicts[1]),
    "holds: at most 2.5 x limit %(1%.99, 1%.99 %.%. 2%.00%)")
  lu.assertEquals(grid.verdict(verdicts[3]),
    "unknown: at most 1 x gone <&>: gone <&> is lost")
  lu.assertStrContains(grid.verdict(verdicts[4]), "nothing to compare")
end

function spec.test_numbers_have_three_digits()
  for value, text in pairs {
    [0.01234] = "0.012", [0.5] = "0.50", [1.234] = "1.23", [12.34] = "12.3",
    [123.4] = "123", [1234567.8] = "1,234,568", [1000] = "1,000",
    [0] = "0",
  } do
    lu.assertEquals(grid.number(value), text)
  end
  lu.assertEquals(grid.number(nil), "-")
end

function spec.test_the_grid_has_those_that_ran_and_their_ratios()
  local record = sample.record()
  local lines = grid.result(record.row, record.results[1])
  lu.assertEquals(#lines, 4)
  lu.assertEquals(lines[1],
    { "", "ns", "ratio", "95 % interval", "memory, MiB" })
  lu.assertEquals(lines[2], { "miniloop", "20.1", "", "", "7.00" })
  lu.assertEquals({ lines[4][1], lines[4][3] }, { "go", "0.50" })
  lu.assertEquals(grid.lost(record.results[1]), { "gone <&>: not installed" })
end

function spec.test_contestants_that_stand_alone_have_no_ratios()
  local record = sample.record()
  record.row.alone = true
  lu.assertEquals(grid.result(record.row, record.results[1])[1],
    { "", "ns", "memory, MiB" })
end

function spec.test_growth_is_told_from_the_least_size_on()
  local record = sample.growth()
  lu.assertEquals(grid.growth(record.row, record.results), {
    { "tasks", "miniloop, ns", "growth", "limit, ns", "growth", "ratio" },
    { "10", "20.1", "1.00", "10.1", "1.00", "1.99" },
    { "1,000", "40.1", "2.00", "10.1", "1.00", "3.98" },
  })
end

function spec.test_text_stands_in_columns()
  lu.assertEquals(grid.text { { "", "µs" }, { "ab", "1" }, { "c", "100" } },
    "       µs\n  ab    1\n  c   100")
end

function spec.test_the_report_has_goals_rows_and_losses()
  local text = report.markdown({ sample.record(), sample.growth() },
    { { "date", "today" } }, "./dev bench")
  lu.assertStrContains(text, "| date | today |")
  lu.assertStrContains(text, "## Goals: 2 of 5 hold")
  lu.assertStrContains(text, "## made_up")
  lu.assertStrContains(text, "- lost: gone &lt;&>: not installed")
  lu.assertStrContains(text, "15 rounds, 2026-01-02 03:04 UTC, at 0123abc.")
  lu.assertStrContains(text, "| 1,000 | 40.1 | 2.00 |")
end

function spec.test_tables_of_growth_come_last()
  local growth = sample.growth()
  growth.row.name = "growing"
  local text = report.markdown({ growth, sample.record() }, {}, "./dev bench")
  lu.assertTrue(text:find("## made_up", 1, true)
    < text:find("## growing", 1, true))
end

function spec.test_every_line_of_a_table_has_as_many_cells()
  local text = report.markdown({ sample.record() }, {}, "./dev bench")
  local wanted
  for line in text:gmatch("[^\n]*") do
    if line:sub(1, 1) ~= "|" then
      wanted = nil
    else
      local _, bars = line:gsub("|", "")
      lu.assertEquals(bars, wanted or bars, line)
      wanted = bars
    end
  end
end

function spec.test_records_are_kept_as_they_are_but_for_functions()
  local record = sample.record()
  record.row.value = print
  local copy = load("return " .. store.serialize(record))()
  record.row.value = nil
  lu.assertEquals(copy, record)
end

return spec
