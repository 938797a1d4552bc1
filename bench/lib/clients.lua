-- What the rows about clients share: who asks, and how that is counted.

local measure = require "bench.lib.measure"

local clients = {}

clients.all = {
  { "miniloop", "bench/ours/client.lua" },
  { "curl", "bench/peers/curl/client.c" },
  { "go", "bench/peers/go/client.go" },
  { "node", "bench/peers/node/client.js", size = { n = 4000 } },
  { "aiohttp", "bench/peers/aiohttp/client.py", size = { n = 3000 } },
  { "aiohttp, uvloop", "bench/peers/aiohttp/client.py", peer = "aiohttp",
    arguments = "{port} {tasks} {warm} {n} uvloop", size = { n = 3000 } },
}

---A row: so many requests at once, on connections that are kept.
---@param title string
---@param tasks integer
---@return bench.row
function clients.row(title, tasks)
  return {
    title = title,
    unit = "µs",
    about = "The server is nginx, on the other core. curl is libcurl's multi"
      .. " interface in C.",
    full = { n = 10000, warm = 2000, tasks = tasks },
    quick = { n = 2000, warm = 500 },
    arguments = "{port} {tasks} {warm} {n}",
    server = "sh bench/peers/nginx/http.sh {port}",
    goals = { { of = "go", at_most = 1 }, { of = "node", at_most = 1 } },
    contestants = clients.all,
    value = function(sample, size)
      return measure.cpu(sample) / size.n / 1000
    end,
    figures = function(sample, size)
      return { { "requests", size.n * 1e9 / measure.wall(sample), "1/s" } }
    end,
  }
end

return clients
