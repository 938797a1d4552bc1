-- A browser that shows pages: Chromium without a window, told what to do by its
-- DevTools protocol, which is JSON over a WebSocket.

local lu = require "luaunit"
local base64 = require "miniloop.base64"
local json = require "cjson"
local net = require "miniloop.net"
local websocket = require "miniloop.websocket"

local browser = {}
browser.__index = browser

-- Skips the test where there is none.
function browser.need()
  lu.skipIf(not os.execute("command -v chromium >/dev/null"),
    "Chromium is not installed")
end

local command = [[
home=$(mktemp -d) || exit
timeout -k 1 60 chromium --headless --no-sandbox --disable-gpu --disable-quic \
  --disable-dev-shm-usage --no-first-run --disable-background-networking \
  --disable-component-update --disable-sync --mute-audio \
  --ignore-certificate-errors --window-size=800,600 \
  --user-data-dir="$home" --remote-debugging-port=0 2>&1
rm -rf "$home"]]

-- The next thing that it tells: an answer, or an event, which is noted.
local function hear(self)
  local told = json.decode((assert(self.ws:recv(30))))
  if told.method then
    self.events[told.method] = true
  end
  return told
end

-- Asks the browser, and gives its answer.
local function call(self, method, params, session)
  self.calls = self.calls + 1
  assert(self.ws:send(json.encode {
    id = self.calls, method = method, sessionId = session,
    params = params or json.decode "{}",
  }))
  local answer
  repeat
    answer = hear(self)
  until answer.id == self.calls
  lu.assertNil(answer.error and answer.error.message)
  return answer.result
end

-- Starts one; it ends with its block.
function browser.start()
  local file = assert(io.popen(command))
  local out = assert(net.stream(file))
  out:settimeout(30)
  local self = setmetatable({
    file = file, out = out, calls = 0, events = {},
  }, browser)
  local url
  repeat
    url = assert(out:read "l"):match "^DevTools listening on (ws://%S+)"
  until url
  self.ws = assert(websocket.connect(url, { maxmessage = 1 << 24 }))
  return self
end

function browser.__close(self)
  if self.ws then
    pcall(call, self, "Browser.close")
    self.ws:close()
  end
  self.out:close()
  self.file:close()
end

-- ----------------------------------------------------------------------- pages

local page = {}
page.__index = page

-- Opens a page, and waits until it is there with what it needs.
function browser:open(url)
  local target =
    call(self, "Target.createTarget", { url = "about:blank" }).targetId
  local session = call(self, "Target.attachToTarget", {
    targetId = target, flatten = true,
  }).sessionId
  call(self, "Page.enable", nil, session)
  self.events["Page.loadEventFired"] = nil
  call(self, "Page.navigate", { url = url }, session)
  while not self.events["Page.loadEventFired"] do
    hear(self)
  end
  return setmetatable({ browser = self, session = session }, page)
end

-- Runs JavaScript in the page; its value, once that is settled.
function page:eval(script)
  local answer = call(self.browser, "Runtime.evaluate", {
    expression = script, awaitPromise = true, returnByValue = true,
  }, self.session)
  lu.assertNil(answer.exceptionDetails
    and json.encode(answer.exceptionDetails))
  return answer.result.value
end

-- Waits until the expression is true, looking whenever the page changes; gives
-- the texts of the elements that the selector finds.
function page:await(expression, selector)
  return self:eval(([[new Promise((done) => {
    const look = () => {
      if (document.body && (%s)) done(
        [...document.querySelectorAll(%q)].map((one) => one.textContent))
    }
    new MutationObserver(look).observe(document,
      { childList: true, subtree: true, characterData: true })
    look()
  })]]):format(expression, selector))
end

-- Writes a picture of it to a file.
function page:picture(path)
  local answer =
    call(self.browser, "Page.captureScreenshot", nil, self.session)
  local file <close> = assert(io.open(path, "wb"))
  file:write((assert(base64.decode(answer.data))))
end

return browser
