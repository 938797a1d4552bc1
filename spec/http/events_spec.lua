-- Server-sent events, as a client reads them: HTML standard, section 9.2.

local lu = require "luaunit"
local http = require "miniloop.http"
local raises = require "spec.support.raises"

local spec = {}

function spec.after_each()
  http.close()
end

-- What a client gets of a handler that is given the request.
local function body_of(handler)
  local server <close> = assert(http.serve("127.0.0.1:0", handler))
  return http.get("http://" .. server:address()).body
end

-- A CR alone ends a line there, too: what follows would be a field of its own.
function spec.test_text_cannot_become_another_field()
  local body = body_of(function(req)
    local events = req:events { beat = math.huge }
    events:send("a\revent: forged\r\nb\n\rc")
    events:comment("x\rdata: forged")
  end)
  lu.assertEquals(body, ": \n\n"
    .. "data: a\ndata: event: forged\ndata: b\ndata: \ndata: c\n\n"
    .. ": x\n: data: forged\n\n")
end

-- C2.1
function spec.test_what_json_cannot_send_is_told_to_the_handler()
  local ok, err
  local body = body_of(function(req)
    ok, err = req:events { beat = math.huge }:send { text = "\xff" }
  end)
  lu.assertNil(ok)
  lu.assertEquals(err.code, "EILSEQ")
  lu.assertEquals(body, ": \n\n")
end

-- C2.1
function spec.test_unknown_options_of_events_are_misuse()
  body_of(function(req)
    raises("'events' has no field 'bet'; did you mean 'beat'?",
      function() req:events { bet = 1 } end)
    raises("bad option 'retry' of 'events' (number expected, got string)",
      function() req.response:events { retry = "1" } end)
  end)
end

return spec
