-- A chat in the browser: the page, and a WebSocket for each that has it open.
-- Everybody has a channel of his own, so that nobody waits for a slow reader.
--
--   ./dev run examples/25_websocket_chat.lua [address]
--   then open http://127.0.0.1:8080 in two windows
local ml, http = require "miniloop", require "miniloop.http"

local page = [[
<!doctype html>
<meta charset="utf-8">
<title>Chat</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; color: #222;
         max-width: 36em; margin: 2em auto; padding: 0 1em }
  ul   { list-style: none; padding: 0; min-height: 12em }
  li   { padding: .3em .8em; margin: .3em 0; border-radius: 1em;
         background: #eef2f7; width: fit-content }
  .own { background: #2563eb; color: white; margin-left: auto }
  .note { background: none; color: #888 }
  form { display: flex; gap: .5em }
  input { flex: 1; font: inherit; padding: .4em .8em; border-radius: 1em;
          border: 1px solid #bbb }
</style>
<h1>Chat</h1>
<ul></ul>
<form><input placeholder="Say something" autocomplete="off" autofocus></form>
<script>
  const list = document.querySelector("ul")
  const input = document.querySelector("input")
  const show = (text, kind) => {
    const item = document.createElement("li")
    item.textContent = text
    item.className = kind
    list.append(item)
  }
  const scheme = location.protocol === "https:" ? "wss://" : "ws://"
  const ws = new WebSocket(scheme + location.host + "/chat")
  ws.onmessage = (event) => {
    const [kind, text] = event.data.split(/:(.*)/s)
    show(text, kind)
  }
  ws.onclose = () => show("The connection has ended.", "note")
  document.querySelector("form").onsubmit = (event) => {
    event.preventDefault()
    if (input.value) ws.send(input.value)
    input.value = ""
  }
</script>
]]

local members, count = {}, 0

local function tell(kind, text, except)
  local inboxes = {} -- first all of them: a send may give way, and others come
  for ws, inbox in pairs(members) do
    inboxes[#inboxes + 1] = ws ~= except and inbox or nil
  end
  for _, inbox in ipairs(inboxes) do
    inbox:send(kind .. ":" .. text, 0) -- who does not keep up misses it
  end
end

local function chat(req)
  local ws = req:websocket { maxmessage = 1000, ping = 30 }
  local inbox = ml.channel(100)
  count = count + 1
  local name = "Guest " .. count
  tell("note", name .. " came")
  members[ws] = inbox
  inbox:send("note:You are " .. name)
  local _ <close> = setmetatable({}, { __close = function() -- on every path
    members[ws] = nil
    tell("note", name .. " left")
  end })
  ml.group(function(group)
    ml.spawn(function()
      for text in inbox:values() do
        ws:send(text)
      end
    end)
    for text in ws:messages() do
      inbox:send("own:" .. text, 0)
      tell("said", name .. ": " .. text, ws)
    end
    group:cancel "left"
  end)
end

local server = assert(http.serve(arg[1] or "127.0.0.1:8080", {
  ["GET /"] = function()
    return page
  end,
  ["GET /chat"] = chat,
}))

print("chatting on " .. server:address())
server:join()
