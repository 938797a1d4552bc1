-- A load balancer: gives requests in turn to the servers behind it that are
-- well, which it finds out by asking each for a page from time to time.
--
--   ./dev run examples/29_load_balancer.lua [HERE [SECONDS [THERE ...]]]
--
-- HERE is 127.0.0.1:8080 unless given, asked are http://127.0.0.1:8081 and
-- :8082 each second. A request that can be sent twice goes to the next server
-- if the first one fails.

local ml, http = require "miniloop", require "miniloop.http"

local here, seconds = arg[1] or "127.0.0.1:8080", tonumber(arg[2] or 1)
local there = { table.unpack(arg, 3) }
if #there == 0 then
  there = { "http://127.0.0.1:8081", "http://127.0.0.1:8082" }
end

io.stdout:setvbuf "line"

local backends = {}
for i, base in ipairs(there) do
  backends[i] = {
    base = base, well = true,
    client = http.client { base = base, redirects = 0, proxy = false },
  }
end

-- Tells when that changes.
local function set_well(backend, well, why)
  if backend.well ~= well then
    backend.well = well
    print(backend.base .. (well and " is back" or " is out: " .. why))
  end
end

local function check(backend)
  local res, err = backend.client:get("/health", { timeout = seconds })
  set_well(backend, res and res.ok, res and "status " .. res.status
    or tostring(err))
end

local turn = 0

-- The backends, the next one first, those that are well before the others.
local function in_turn()
  turn = turn + 1
  local list, ill = {}, {}
  for i = 1, #backends do
    local backend = backends[(turn + i) % #backends + 1]
    table.insert(backend.well and list or ill, backend)
  end
  return table.move(ill, 1, #ill, #list + 1, list)
end

local repeatable = { GET = true, HEAD = true, PUT = true, DELETE = true }

local function forward(req)
  local body = req:body()
  local headers = { ["content-type"] = req.headers["content-type"] }
  local err
  for _, backend in ipairs(in_turn()) do
    local res
    res, err = backend.client:request {
      url = req.target, method = req.method, headers = headers,
      body = body ~= "" and body or nil,
    }
    if res then
      return res.status, res.body,
        { ["content-type"] = res.headers["content-type"] }
    end
    set_well(backend, false, tostring(err))
    if not repeatable[req.method] then
      break
    end
  end
  return 502, tostring(err) .. "\n"
end

local server = assert(http.serve(here, forward))
print("listening on " .. server:address())
for _, backend in ipairs(backends) do
  ml.every(seconds, function()
    check(backend)
  end)
end
