-- A browser loads a page with its assets from our server, and talks WebSocket.

local lu = require "luaunit"
local browser = require "spec.support.browser"
local certificates = require "spec.support.certificates"
local http = require "miniloop.http"

local spec = {}

function spec.before_each()
  browser.need()
end

local page = [[
<!doctype html>
<meta charset="utf-8">
<link rel="stylesheet" href="/style.css">
<p id="color"></p>
<ol></ol>
<script src="/script.js"></script>
]]

local script = [[
const add = (text) => {
  const item = document.createElement("li")
  item.textContent = text
  document.querySelector("ol").append(item)
}
document.querySelector("#color").textContent =
  getComputedStyle(document.querySelector("p")).color
const image = new Image()
image.onload = () => add("image " + image.naturalWidth)
image.src = "/dot.png"
const scheme = location.protocol === "https:" ? "wss://" : "ws://"
const ws = new WebSocket(scheme + location.host + "/echo", ["chat"])
ws.binaryType = "arraybuffer"
const large = "\u00e4".repeat(100000)
const steps = [
  () => ws.send("hello"),
  (data) => { add("text " + data); ws.send(new Uint8Array([1, 0, 255])) },
  (data) => { add("bytes " + new Uint8Array(data).join()); ws.send(large) },
  (data) => { add("same " + (data === large)); ws.send("close") },
]
ws.onopen = () => {
  add("open " + ws.protocol + " [" + ws.extensions + "]")
  steps.shift()()
}
ws.onmessage = (event) => steps.shift()(event.data)
ws.onclose = (event) =>
  add("closed " + event.code + " " + event.reason + " " + event.wasClean)
]]

-- A picture of one pixel.
local dot = require "miniloop.base64".decode(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
  .. "WjR9awAAAABJRU5ErkJggg==")

local function typed(media_type, body)
  return function()
    return 200, body, { ["Content-Type"] = media_type }
  end
end

local function echo(deflate)
  return function(req)
    local ws = req:websocket { subprotocols = { "chat" }, deflate = deflate }
    for message, kind in ws:messages() do
      if message == "close" then
        return ws:close(4000, "good bye")
      end
      ws:send(message, kind)
    end
  end
end

local function serve(routes, options)
  return assert(http.serve("127.0.0.1:0", routes, options))
end

-- The items of the page's list when there are so many, sorted.
local function items(page_of, count)
  local list = page_of:await(
    "document.querySelectorAll('li').length == " .. count, "li")
  table.sort(list)
  return list
end

-- What a browser and we agree on when `deflate` is wanted.
local alone = "permessage-deflate; server_no_context_takeover; "
  .. "client_no_context_takeover"

local function check_page(scheme, options, deflate, extensions)
  local server <close> = serve({
    ["GET /"] = typed("text/html; charset=utf-8", page),
    ["GET /style.css"] = typed("text/css", "p { color: rgb(1, 2, 3) }"),
    ["GET /script.js"] = typed("text/javascript; charset=utf-8", script),
    ["GET /dot.png"] = typed("image/png", dot),
    ["GET /echo"] = echo(deflate),
  }, options)
  local chromium <close> = browser.start()
  local shown = chromium:open(scheme .. server:address() .. "/")
  lu.assertEquals(items(shown, 6), {
    "bytes 1,0,255", "closed 4000 good bye true", "image 1",
    ("open chat [%s]"):format(extensions or ""),
    "same true", "text hello",
  })
  lu.assertEquals(shown:eval "document.querySelector('p').textContent",
    "rgb(1, 2, 3)")
end

function spec.test_a_page_with_its_assets_and_a_websocket()
  check_page "http://"
end

function spec.test_the_same_with_packed_messages()
  check_page("http://", nil, true, alone)
  check_page("http://", nil, { context = true }, "permessage-deflate")
end

function spec.test_the_same_over_tls()
  check_page("https://", { tls = certificates.of "server" })
end

-- Section 10.2: a browser says which site a page is of.
function spec.test_a_page_of_another_site_may_not_connect()
  local server <close> = serve { ["GET /echo"] = echo() }
  local foreign <close> = serve {
    ["GET /"] = typed("text/html", ([[
      <ol></ol><script>
        const ws = new WebSocket("ws://%s/echo")
        ws.onopen = ws.onclose = (event) => {
          const item = document.createElement("li")
          item.textContent = event.type
          document.querySelector("ol").append(item)
        }
      </script>]]):format(server:address())),
  }
  local chromium <close> = browser.start()
  local shown = chromium:open("http://" .. foreign:address() .. "/")
  lu.assertEquals(items(shown, 1), { "close" })
end

return spec
