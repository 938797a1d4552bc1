-- What a client does to its handler whenever it likes is no error of the
-- handler: it could fill the log (C7.2).

local lu = require "luaunit"
local frames = require "spec.support.frames"
local http = require "miniloop.http"
local net = require "miniloop.net"
local websockets = require "spec.support.websockets"

local spec = {}

local server, told

local function serve(handler, limits)
  server = assert(http.serve("127.0.0.1:0", handler, {
    limits = limits,
    on_error = function(err) table.insert(told, tostring(err)) end,
  }))
  return server:address()
end

function spec.before_each()
  told = {}
end

function spec.after_each()
  server:stop(0)
end

local question = table.concat({
  "GET / HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: websocket",
  "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "\r\n",
}, "\r\n")

-- Opens a WebSocket, sends the bytes, and waits for its end.
local function send(address, bytes)
  local conn <close> = assert(net.connect(address))
  conn:write(question, bytes)
  conn:shutdown "write"
  return conn:read "a"
end

local function chat(req)
  local ws = req:websocket { maxmessage = 100, close_timeout = 0.05 }
  for message in ws:messages() do
    ws:send(message)
    assert(message ~= "bug", "a bug")
  end
end

function spec.test_a_client_that_breaks_the_protocol_is_not_reported()
  local address = serve(chat)
  for _, bytes in ipairs {
    frames.make("text", "unmasked"), websockets.masked("text", "\xff"),
    websockets.masked("text", ("x"):rep(101)),
    websockets.masked("close", frames.code(4000)),
    websockets.masked("close", frames.code(1)), "",
  } do
    lu.assertStrContains(send(address, bytes), "HTTP/1.1 101 ")
  end
  lu.assertEquals(told, {})
end

function spec.test_errors_of_the_handler_itself_are()
  send(serve(chat), websockets.masked("text", "bug"))
  lu.assertEquals(#told, 1)
  lu.assertStrContains(told[1], "a bug")
end

function spec.test_so_are_errors_of_other_peers()
  local far_end <close> = assert(net.listen "127.0.0.1:0")
  local address = serve(function()
    local conn <close> = assert(net.connect(far_end:address()))
    assert(conn:recv(1, 0))
  end)
  local conn <close> = assert(net.connect(address))
  conn:write "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
  lu.assertStrContains(conn:read "a", "HTTP/1.1 500 ")
  lu.assertEquals(#told, 1)
  lu.assertStrContains(told[1], "ETIMEDOUT")
end

function spec.test_a_client_that_does_not_take_a_file_is_not_reported()
  local name = os.tmpname()
  local file <close> = assert(io.open(name, "w"))
  file:write(("x"):rep(16 << 20))
  file:close()
  local static = http.static "/"
  local address = serve({ ["GET /*"] = static }, { write = 0.02 })
  local conn <close> = assert(net.connect(address))
  conn:write("GET ", name, " HTTP/1.1\r\nHost: a\r\n\r\n")
  lu.assertStrContains(conn:read(12), "200") -- and no more
  lu.assertEquals(server:stop(), true) -- it does not wait for that client
  os.remove(name)
  lu.assertEquals(told, {})
end

return spec
