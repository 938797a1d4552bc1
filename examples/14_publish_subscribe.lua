-- Topics: a subscriber has a channel, and is off the list when it closes its
-- subscription, however it comes to leave the block.
--
--   ./dev run examples/14_publish_subscribe.lua
local ml = require "miniloop"

local topics = {}

local function subscribe(topic)
  local ch = ml.channel(16)
  topics[topic] = topics[topic] or {}
  topics[topic][ch] = true
  return setmetatable({ values = function() return ch:values() end }, {
    __close = function() topics[topic][ch] = nil end,
  })
end

local function publish(topic, value)
  local all = {} -- first all of them: a send may give way, and others come
  for ch in pairs(topics[topic] or {}) do
    all[#all + 1] = ch
  end
  for _, ch in ipairs(all) do
    ch:send(value, 0)
  end
end

ml.group(function(g)
  local ready = ml.semaphore(0)
  for id = 1, 2 do
    g:spawn(function()
      local news <close> = subscribe "weather"
      ready:release()
      for text in news.values() do
        if text == "good night" then
          return
        end
        print("subscriber " .. id .. ": " .. text)
      end
    end)
  end
  for _ = 1, 2 do
    ready:acquire()
  end
  publish("weather", "sunny")
  ml.yield()
  publish("weather", "good night")
end)

print("subscribers left: " .. (next(topics.weather) and "some" or "none"))
