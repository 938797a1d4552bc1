-- The rows of the bench as they stand in the tree, and how they are read.

local lu = require "luaunit"
local row = require "bench.lib.row"
local peers = require "bench.lib.peers"
local goals = require "bench.lib.goals"

local function exists(path)
  local file <close> = io.open(path)
  return file ~= nil
end

-- The files of the tree that a command names.
local function each_file(command, visit)
  for word in command:gmatch("%S+") do
    if word:match("^bench/") then
      visit(word)
    end
  end
end

local spec = {}

function spec.test_all_rows_are_sound()
  local names = row.names()
  lu.assertTrue(#names >= 10)
  for _, name in ipairs(names) do
    local r = row.load(name)
    lu.assertEquals(row.kind(r.contestants[1]), "ours", name)
  end
end

function spec.test_what_rows_run_is_in_the_tree()
  for _, name in ipairs(row.names()) do
    local r = row.load(name)
    for _, contestant in ipairs(r.contestants) do
      each_file(contestant[2] .. " " .. (contestant.client or r.client or ""),
        function(path)
          lu.assertTrue(exists(path), name .. ": " .. path)
        end)
    end
  end
end

function spec.test_all_peers_of_rows_are_known()
  for _, name in ipairs(row.names()) do
    for _, contestant in ipairs(row.load(name).contestants) do
      if row.kind(contestant) == "peer" then
        local peer = contestant.peer or contestant[1]
        lu.assertNotNil(peers.known[peer], name .. ": " .. peer)
      end
    end
  end
end

function spec.test_goals_name_contestants_that_there_are()
  for _, name in ipairs(row.names()) do
    local r = row.load(name)
    local result = { series = {} }
    for i, contestant in ipairs(r.contestants) do
      result.series[i] = { name = contestant[1] }
    end
    for _, goal in ipairs(r.goals or {}) do
      lu.assertNotNil(goals.find(result, goal.of), name)
      lu.assertNotNil(goals.find(result, goal.who), name)
    end
  end
end

function spec.test_a_row_that_is_not_there_is_an_error()
  lu.assertErrorMsgContains("no_such_row.lua", row.load, "no_such_row")
end

function spec.test_sizes_of_contestants_points_and_the_quick_form()
  local r = { full = { n = 100, k = 1 }, quick = { n = 5, k = 2 } }
  local contestant = { "go", "x", size = { n = 50 } }
  lu.assertEquals(row.size(r, { "go", "x" }, false), { n = 100, k = 1 })
  lu.assertEquals(row.size(r, contestant, false), { n = 50, k = 1 })
  lu.assertEquals(row.size(r, contestant, true, { k = 7 }), { n = 5, k = 7 })
end

function spec.test_holes_are_filled_but_for_the_port()
  lu.assertEquals(row.words("{bin}/x {n} {port} {empty}", {
    n = 3, empty = "",
  }), { "build/release/bench/x", "3", "{port}", "" })
end

return spec
