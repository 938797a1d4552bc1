-- A record as the bench keeps it, made up: ours costs 20, the limit 10, one
-- peer 40, another is lost.

local sample = {}

local function series(name, kind, value, rounds)
  local values, memory = {}, {}
  for round = 1, rounds do
    values[round] = value + round / 100
    memory[round] = 7
  end
  return {
    name = name, kind = kind, values = values,
    figures = { { name = "memory", unit = "MiB", values = memory } },
  }
end

-- A record of 15 rounds, or as many as are given.
function sample.record(rounds)
  rounds = rounds or 15
  local lost = series("gone <&>", "peer", 0, 0)
  lost.lost = "not installed"
  return {
    date = "2026-01-02 03:04 UTC", rounds = rounds, version = "0123abc",
    row = {
      name = "made_up", title = "a row <made> up & \"quoted\"", unit = "ns",
      goals = {
        { of = "limit", at_most = 2.5 }, { at_most = 19 },
        { of = "gone <&>", at_most = 1 }, { of = "nobody", at_most = 1 },
        { at_most = 7, figure = "memory" },
      },
    },
    results = { {
      rounds = rounds,
      series = {
        series("miniloop", "ours", 20, rounds),
        series("limit", "limit", 10, rounds),
        series("go", "peer", 40, rounds), lost,
      },
    } },
  }
end

-- A table of growth: 10 costs 20, and 1,000 twice as much.
function sample.growth()
  local record = sample.record()
  record.row.goals = nil
  record.results[1].point = { tasks = 10 }
  record.results[2] = {
    rounds = 15, point = { tasks = 1000 },
    series = {
      series("miniloop", "ours", 40, 15), series("limit", "limit", 10, 15),
    },
  }
  table.remove(record.results[1].series)
  table.remove(record.results[1].series)
  return record
end

return sample
