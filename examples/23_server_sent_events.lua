-- Server-sent events: a page that shows, as it happens, what others type.
--
--   ./dev run examples/23_server_sent_events.lua [ADDRESS]
--
-- Open http://localhost:8000 in two windows, or see them by curl:
--   curl -N localhost:8000/events
--   curl localhost:8000/say -d text=hello

local ml = require "miniloop"
local http = require "miniloop.http"

local page = [[
<!doctype html>
<meta charset="utf-8">
<title>Events</title>
<h1>What is said</h1>
<form onsubmit="fetch('/say', {method: 'POST', body: new URLSearchParams(
  new FormData(this))}); this.reset(); return false">
  <input name="text" autofocus>
</form>
<ul id="list"></ul>
<script>
  new EventSource("/events").onmessage = (event) => {
    const item = document.createElement("li")
    item.textContent = event.data
    list.prepend(item)
  }
</script>
]]

local listeners = {} -- channel -> true

local server = assert(http.serve(arg[1] or "127.0.0.1:8000", {
  ["GET /"] = function() return page end,

  ["GET /events"] = function(req)
    local news = ml.channel(100)
    listeners[news] = true
    local events = req:events()
    for text in news:values() do
      if not events:send(text) then
        break -- the window was closed
      end
    end
    listeners[news] = nil
  end,

  ["POST /say"] = function(req)
    local form = assert(req:form())
    local all = {} -- first all of them: a send may give way, and others come
    for news in pairs(listeners) do
      all[#all + 1] = news
    end
    for _, news in ipairs(all) do
      news:send(form.text or "", 0) -- who is 100 behind misses some
    end
    return 204
  end,
}))
print("listening on " .. server:address())
