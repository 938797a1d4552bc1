-- What ./dev mutate changes, and what it leaves alone.

local kept = require "spec.mutate.kept"
local lu = require "luaunit"
local mutants = require "spec.mutate.mutants"
local operators = require "spec.mutate.operators"
local planted = require "spec.mutate.planted"

local spec = {}

-- The changes to a text, each as "from => to".
local function changes(source, enums)
  local next_of, found = {}, {}
  operators.enums(enums or "", next_of)
  for _, change in ipairs(operators.changes(source, next_of)) do
    found[#found + 1] = ("%s => %s"):format(
      source:sub(change.from, change.to), change.text)
  end
  table.sort(found)
  return found
end

local function body(text)
  return "static int f(struct s *a, int n)\n{\n" .. text .. "\n}\n"
end

function spec.test_one_thing_changes_at_a_time()
  lu.assertEquals(changes(body "    if (n < 4) {\n        g(a);\n    }"), {
    ") =>  && 0)", ") =>  || 1)", "4 => 5", "< => <=", "g(a); => ;",
  })
  lu.assertEquals(changes(body "    return !n ? -EIO : x & 2;"), {
    "! => ", "!n ? -EIO : x & 2 => 0", "& => |", "2 => 3", "? => && 0 ?",
    "? => || 1 ?", "EIO => EBADF",
  })
end

function spec.test_a_name_of_an_enum_becomes_the_one_after_it()
  lu.assertEquals(changes(body "    n = ML_B;", "enum e { ML_A, ML_B = 3 };"), {
    "ML_B => ML_A", "n = ML_B; => ;",
  })
end

function spec.test_what_is_no_code_stays()
  lu.assertEquals(changes(body "    /* n < 4; */ // n == 1"), {})
  lu.assertEquals(changes("#define X (1 + 2)\nenum { Y = 1 + 2 };\n"), {})
  lu.assertEquals(changes(body "    assert(n < 4 && \"few\");"), {})
  lu.assertEquals(changes(body "    struct s *b;\n    int c;"), {})
  lu.assertEquals(changes(body "    (void)n;"), {})
end

function spec.test_the_head_of_a_loop_is_no_statement()
  lu.assertEquals(changes(body "    for (i = n; i < n; i++) {\n    }"), {
    "++ => --", "< => <=",
  })
end

function spec.test_lines_keep_their_numbers()
  local source = body "    g(a,\n      n);"
  local change = operators.changes(source, {})[1]
  lu.assertEquals(change.text, ";\n")
  lu.assertEquals(change.line, 3)
  lu.assertEquals(change.func, "f")
end

function spec.test_the_same_seed_gives_the_same_order()
  local orders = {}
  for i, seed in ipairs { 7, 7, 8 } do
    local list = table.move({ 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 1, 9, 1, {})
    mutants.shuffle(list, seed)
    orders[i] = list
  end
  lu.assertEquals(orders[1], orders[2])
  lu.assertNotEquals(orders[1], orders[3])
end

-- Every record names a mutant of today's source, and has a reason.
function spec.test_the_list_of_equivalent_mutants_is_up_to_date()
  local found = kept.read("spec/mutate/equivalent.txt")
  lu.assertEquals(kept.stale(found), {})
end

function spec.test_the_planted_bugs_can_be_planted()
  local plant = require "spec.mutate.plant"
  for _, bug in ipairs(planted) do
    local from, why = plant.place(bug)
    lu.assertNotNil(from, bug.name .. ": " .. tostring(why))
  end
end

return spec
