-- The chat in the browser, with browsers, and others that talk WebSocket.

local lu = require "luaunit"
local browser = require "spec.support.browser"
local example = require "spec.examples.example"
local websocket = require "miniloop.websocket"

local spec = {}

local function join(address)
  local ws = assert(websocket.connect("ws://" .. address .. "/chat"))
  return ws, ws:recv()
end

function spec.test_everybody_hears_everybody()
  local process <close>, address =
    example.serve("25_websocket_chat", { "127.0.0.1:0" })
  local ann <close>, hello = join(address)
  lu.assertEquals(hello, "note:You are Guest 1")
  do
    local ben <close> = join(address)
    lu.assertEquals(ann:recv(), "note:Guest 2 came")
    assert(ben:send "hello <all>")
    lu.assertEquals(ben:recv(), "own:hello <all>")
    lu.assertEquals(ann:recv(), "said:Guest 2: hello <all>")
  end
  lu.assertEquals(ann:recv(), "note:Guest 2 left")
  ann:close()
  example.interrupt(process)
end

local has_said = "document.querySelector('.said')"

function spec.test_the_page_shows_what_is_said()
  browser.need()
  local process <close>, address =
    example.serve("25_websocket_chat", { "127.0.0.1:0" })
  do
    local chromium <close> = browser.start()
    local one = chromium:open("http://" .. address .. "/")
    lu.assertEquals(one:await("document.querySelector('li')", "li"),
      { "You are Guest 1" })
    local other = chromium:open("http://" .. address .. "/")
    other:await("document.querySelector('li')", "li")
    one:eval [[
      document.querySelector("input").value = "hello <all>"
      document.querySelector("form").requestSubmit()
    ]]
    lu.assertEquals(other:await(has_said, "li"),
      { "You are Guest 2", "Guest 1: hello <all>" })
    lu.assertEquals(one:await("document.querySelector('.own')", "li"),
      { "You are Guest 1", "Guest 2 came", "hello <all>" })
  end
  example.interrupt(process)
end

return spec
