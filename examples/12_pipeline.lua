-- Stages joined by channels. A channel of capacity 0 hands over, so a slow
-- stage holds back the fast ones before it: nothing piles up.
--
--   ./dev run examples/12_pipeline.lua
local ml = require "miniloop"

local made = 0

local function stage(input, output, f)
  return function()
    for value in input:values() do
      output:send(f(value))
    end
    output:close()
  end
end

ml.group(function(g)
  local numbers, squares, texts = ml.channel(), ml.channel(), ml.channel()
  g:spawn(function()
    for n = 1, 5 do
      numbers:send(n)
      made = made + 1
    end
    numbers:close()
  end)
  g:spawn(stage(numbers, squares, function(n) return n * n end))
  g:spawn(stage(squares, texts, function(n) return "square " .. n end))
  for text in texts:values() do
    ml.sleep(0.01) -- the slowest stage sets the pace
    print(text, "made so far: " .. made)
  end
end)
