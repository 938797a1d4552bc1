-- Asks one server over and over, by the client of miniloop.http: TASKS at once.
--
--   miniloop bench/ours/client.lua PORT TASKS WARM N

local http = require "miniloop.http"
local mark = require "bench.lib.mark"
local ml = require "miniloop"

local port, tasks, warm, n = table.unpack(arg)
local client <close> = http.client { keep = math.tointeger(tasks) }
local url = ("http://127.0.0.1:%s/"):format(port)

-- Asks so often in all; how many answers were right.
local function run(count)
  local left, right = math.tointeger(count), 0
  ml.group(function(group)
    for _ = 1, tasks do
      group:spawn(function()
        while left > 0 do
          left = left - 1
          local res = assert(client:get(url))
          right = right + (res.body == "hello, world\n" and 1 or 0)
        end
      end)
    end
  end)
  return right
end

run(warm)
mark "start"
local right = run(n)
mark "stop"
print("count=" .. right)
