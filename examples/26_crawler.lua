-- A crawler: fetches a page and all pages of the same server that it leads to,
-- some at once, and tells of each its status and size.
--
--   ./dev run examples/26_crawler.lua URL [AT ONCE [PAGES]]
--
-- 8 at once and 100 pages in all, unless given.

local ml, http = require "miniloop", require "miniloop.http"
local url = require "miniloop.url"

local start = assert(arg[1], "usage: 26_crawler.lua URL [AT ONCE [PAGES]]")
local at_once, left = tonumber(arg[2] or 8), tonumber(arg[3] or 100)

local client <close> = http.client { timeout = 10, max_body = 4 * 1024 * 1024 }
local places, seen = ml.semaphore(at_once), {}

-- The pages that a page leads to, without the parts behind "#".
local function links(page, text)
  local list = {}
  for href in text:gmatch('href="([^"#]+)') do
    list[#list + 1] = url.resolve(page, url.repair(href))
  end
  return list
end

local function fetch(page)
  local _ <close> = places:acquire()
  local res, err = client:get(page)
  print(page, table.unpack(res and { res.status, #res.body } or { err }))
  local is_html = res and res.ok
    and (res.headers["content-type"] or ""):find("^text/html")
  return is_html and links(res.url, res.body) or {}
end

ml.group(function(g)
  local server = assert(url.parse(start)).host

  local function visit(page)
    page = url.normalize(page)
    if not page or seen[page] or left == 0
      or url.parse(page).host ~= server then
      return
    end
    seen[page], left = true, left - 1
    g:spawn(function()
      for _, link in ipairs(fetch(page)) do
        visit(link)
      end
    end)
  end

  visit(start)
end)
