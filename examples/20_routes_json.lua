-- A small web service: routes, parameters, JSON in and out.
--
--   ./dev run examples/20_routes_json.lua [ADDRESS]
--
--   curl localhost:8000/notes -d '{"text": "buy milk"}'
--   curl localhost:8000/notes
--   curl localhost:8000/notes/1
--   curl -X DELETE localhost:8000/notes/1

local http = require "miniloop.http"
local json = require "miniloop.json"

local notes, last = {}, 0

local function find(req)
  local note = notes[math.tointeger(tonumber(req.params.id))]
  if not note then
    error { status = 404, message = "there is no such note" }
  end
  return note
end

local server = assert(http.serve(arg[1] or "127.0.0.1:8000", {
  ["GET /"] = function() return "hello\n" end,

  ["GET /notes"] = function(req) -- /notes?text=milk
    local list = json.array() -- that none is [], and not {}
    for id = 1, last do
      local note = notes[id]
      if note and note.text:find(req.query.text or "", 1, true) then
        list[#list + 1] = note
      end
    end
    return { notes = list, count = #list }
  end,

  ["POST /notes"] = function(req)
    local note = assert(req:json()) -- what is no JSON is the client's fault
    if type(note) ~= "table" or type(note.text) ~= "string" then
      return 422, { error = "a note needs a text" }
    end
    last = last + 1
    notes[last] = { id = last, text = note.text }
    return 201, notes[last], { Location = "/notes/" .. last }
  end,

  ["GET /notes/{id}"] = find,

  ["DELETE /notes/{id}"] = function(req)
    notes[find(req).id] = nil
    return 204
  end,
}))
print("listening on " .. server:address())
