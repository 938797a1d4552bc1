-- What is agreed on about packing messages: RFC 7692, sections 5 and 7.1.

local lu = require "luaunit"
local extension = require "miniloop.websocket.extension"
local net = require "miniloop.net"
local raises = require "spec.support.raises"
local upgrades = require "spec.support.upgrades"
local websocket = require "miniloop.websocket"

local spec = {}

local alone = { level = 6, least = 0, context = false }
local context = { level = 6, least = 0, context = true }

-- ----------------------------------------------------------------- the server

local function accept(text, want)
  local agreement, answer = extension.accept(text, want or context)
  return answer, agreement
end

function spec.test_offers_and_answers()
  local pd = "permessage-deflate"
  for _, row in ipairs {
    { pd, pd },
    { pd .. "; client_max_window_bits", pd },
    { pd .. "; client_max_window_bits=10", pd },
    { pd .. ' ;client_max_window_bits = "10" ', pd },
    { pd .. "; server_no_context_takeover",
      pd .. "; server_no_context_takeover" },
    { pd .. "; client_no_context_takeover",
      pd .. "; client_no_context_takeover" },
    { pd .. "; server_max_window_bits=10",
      pd .. "; server_max_window_bits=10" },
    { pd .. "; server_max_window_bits=8", pd .. "; server_max_window_bits=8" },
    { "x-other, " .. pd, pd },
    { 'x-other; a="b", ' .. pd, pd },
    { ", " .. pd .. " ,, ", pd },
    -- The first one cannot be taken, the second can.
    { pd .. "; server_max_window_bits=16, " .. pd, pd },
    { pd .. "; x, " .. pd .. "; server_no_context_takeover",
      pd .. "; server_no_context_takeover" },
  } do
    lu.assertEquals(accept(row[1]), row[2], row[1])
  end
end

function spec.test_offers_that_are_passed_over()
  for _, params in ipairs {
    "server_max_window_bits", "server_max_window_bits=7",
    "server_max_window_bits=16", "server_max_window_bits=010",
    "server_max_window_bits=1", "client_max_window_bits=7",
    "client_max_window_bits=ten", "server_no_context_takeover=1",
    "client_no_context_takeover=true", "unknown", "unknown=1",
    "server_no_context_takeover; server_no_context_takeover",
    "client_max_window_bits; client_max_window_bits=9",
  } do
    lu.assertIs(extension.accept("permessage-deflate; " .. params, context),
      false, params)
  end
  lu.assertIs(extension.accept("", context), false)
  lu.assertIs(extension.accept("x-webkit-deflate-frame", context), false)
  lu.assertIs(extension.accept("Permessage-deflate", context), false)
end

function spec.test_what_is_no_list_of_extensions()
  for _, text in ipairs {
    ";", "permessage-deflate;", "permessage-deflate x", "a b", "a; =1",
    "a; b=", 'a; b="c', "permessage-deflate; b=c d", "a/b", "a; b=\"\"",
    "permessage-deflate; client_max_window_bits=\"1 0\"",
  } do
    lu.assertNil(extension.accept(text, context), text)
  end
end

function spec.test_without_a_context_it_says_so_for_both_sides()
  local answer, agreement = accept("permessage-deflate", alone)
  lu.assertEquals(answer, "permessage-deflate; server_no_context_takeover; "
    .. "client_no_context_takeover")
  lu.assertEquals(agreement, { keep_out = false, keep_in = false, bits = 15 })
end

function spec.test_what_was_agreed_on_binds_us()
  local _, agreement = accept("permessage-deflate; server_max_window_bits=9; "
    .. "server_no_context_takeover")
  lu.assertEquals(agreement, { keep_out = false, keep_in = true, bits = 9 })
end

-- ----------------------------------------------------------------- the client

function spec.test_what_a_client_takes_for_an_answer()
  local offer = "permessage-deflate"
  lu.assertEquals(extension.agreed(offer, context),
    { keep_out = true, keep_in = true, bits = 15 })
  lu.assertEquals(extension.agreed(offer .. "; client_max_window_bits=9; "
      .. "server_max_window_bits=8; client_no_context_takeover", context),
    { keep_out = false, keep_in = true, bits = 9 })
  lu.assertEquals(extension.agreed(offer .. "; server_no_context_takeover",
    alone), { keep_out = false, keep_in = false, bits = 15 })
end

function spec.test_what_no_offer_allows_ends_the_handshake()
  for _, text in ipairs {
    "", "x-other", "permessage-deflate, permessage-deflate",
    "permessage-deflate; unknown",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; client_max_window_bits=16",
    "permessage-deflate; server_no_context_takeover=1", "permessage-deflate;",
  } do
    lu.assertNil(extension.agreed(text, context), text)
  end
  lu.assertNil(extension.agreed("permessage-deflate", alone)) -- 7.1.1.1
end

-- ----------------------------------------------------------- the whole of it

local function both(server_deflate, client_deflate)
  local server <close> = assert(upgrades.serve(function(ws)
    ws:send(tostring(ws.extensions))
  end, { deflate = server_deflate }))
  local ws <close> = assert(websocket.connect("ws://" .. server:address(),
    { deflate = client_deflate }))
  lu.assertEquals(ws:recv(), tostring(ws.extensions))
  return ws.extensions
end

function spec.test_nothing_is_packed_unless_both_want_it()
  lu.assertNil(both(nil, nil))
  lu.assertNil(both(true, nil))
  lu.assertNil(both(nil, true))
  lu.assertNil(both(false, { context = true }))
  lu.assertEquals(both({ context = true }, { context = true }),
    "permessage-deflate")
  lu.assertStrContains(both(true, { context = true }),
    "server_no_context_takeover")
  lu.assertStrContains(both({ context = true }, true),
    "client_no_context_takeover")
end

function spec.test_a_request_with_no_such_list_is_400()
  local server <close> = assert(upgrades.serve(function() end,
    { deflate = true }))
  local conn <close> = assert(net.connect(server:address()))
  conn:write(table.concat({
    "GET / HTTP/1.1", "Host: h", "Connection: Upgrade", "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Extensions: permessage-deflate;;", "", "",
  }, "\r\n"))
  lu.assertEquals(conn:read "l", "HTTP/1.1 400 Bad Request\r")
end

-- C2.1
function spec.test_wrong_options()
  for text, deflate in pairs {
    ["bad option 'deflate' of 'connect' (a boolean or a table"] = "yes",
    ["did you mean 'level'?"] = { leval = 1 },
    ["bad option 'level' of 'deflate' (an integer from 1 to 9"] = { level = 0 },
    ["bad option 'least' of 'deflate' (an integer from 0 on"] = { least = 1.5 },
    ["bad option 'context' of 'deflate'"] = { context = 1 },
  } do
    raises(text,
      function() websocket.connect("ws://h", { deflate = deflate }) end)
  end
end

return spec
