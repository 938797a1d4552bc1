-- Files: what is found, what is not, and what of it is sent.

local lu = require "luaunit"
local http = require "miniloop.http"
local net = require "miniloop.net"
local raises = require "spec.support.raises"
local wire = require "spec.http.wire"

local spec = {}

local folder, server, address
local big = ("0123456789abcdef"):rep(1 << 16) -- 1 MiB

local function write_file(name, text)
  local file <close> = assert(io.open(folder .. "/" .. name, "w"))
  file:write(text)
end

local function serve(options)
  server = assert(http.serve("127.0.0.1:0", {
    ["/files/*"] = http.static(folder .. "/public", options),
  }))
  address = server:address()
end

function spec.before_each()
  folder = os.tmpname()
  os.remove(folder)
  os.execute(("mkdir -p %s/public/sub/.git %s/public/empty"):format(folder,
    folder))
  write_file("secret.txt", "secret")
  write_file("public/a.txt", "text of a")
  write_file("public/index.html", "<html>start")
  write_file("public/sub/index.html", "<html>sub")
  write_file("public/sub/.git/config", "secret")
  write_file("public/.hidden", "secret")
  write_file("public/big.bin", big)
  write_file("public/a b.css", "css")
  os.execute(("cd %s/public && ln -s ../secret.txt link && ln -s .. up && "
    .. "ln -s a.txt inner && mkfifo pipe"):format(folder))
  serve()
end

function spec.after_each()
  server:stop(0)
  os.execute("rm -r " .. folder)
end

local function get(path, ...)
  local lines = { "GET /files/" .. path .. " HTTP/1.1", "Host: a", ... }
  return wire.answers(wire.exchange(address, table.concat(lines, "\r\n")
    .. "\r\n\r\n"))[1]
end

local function field(answer, name)
  return answer.head:match("\r\n" .. name:gsub("%-", "%%-") .. ": (.-)\r\n")
end

-- ------------------------------------------------------------- what is found

function spec.test_a_file_is_sent_with_its_type()
  local answer = get("a.txt")
  lu.assertEquals({ answer.status, answer.body }, { "200", "text of a" })
  lu.assertEquals(field(answer, "Content-Type"), "text/plain; charset=utf-8")
  lu.assertEquals(field(answer, "Accept-Ranges"), "bytes")
  lu.assertEquals(get("a%20b.css").body, "css")
  lu.assertEquals(field(get("big.bin"), "Content-Type"),
    "application/octet-stream")
end

function spec.test_a_large_file_is_sent_whole()
  lu.assertTrue(get("big.bin").body == big)
end

function spec.test_a_folder_is_its_index_behind_a_slash()
  lu.assertEquals(get("").body, "<html>start")
  lu.assertEquals(get("sub/").body, "<html>sub")
  local answer = get("sub?a=b")
  lu.assertEquals({ answer.status, field(answer, "Location") },
    { "301", "./sub/?a=b" })
  lu.assertEquals(get("empty/").status, "404")
end

function spec.test_what_is_not_there_is_404()
  for _, path in ipairs { "none", "a.txt/", "a.txt/b", "sub/none", "none/",
    "sub//index.html", "pipe" } do
    lu.assertEquals(get(path).status, "404", path)
  end
end

function spec.test_nothing_outside_of_the_folder_is_there()
  for _, path in ipairs {
    "../secret.txt", "sub/../../secret.txt", "%2e%2e/secret.txt",
    "..%2fsecret.txt", "%2e%2e%2fsecret.txt", ".%2e/secret.txt",
    "sub/%2e%2e/%2e%2e/secret.txt", "/etc/passwd", "%2fetc%2fpasswd",
    "..%5csecret.txt", "link", "up/secret.txt", "inner", "./a.txt",
    "....//secret.txt", "%252e%252e/secret.txt",
  } do
    local answer = get(path)
    lu.assertEquals(answer.status, "404", path)
    lu.assertNotStrContains(answer.body, "secret")
  end
end

function spec.test_hidden_files_are_not_there_unless_wanted()
  lu.assertEquals(get(".hidden").status, "404")
  lu.assertEquals(get("sub/.git/config").status, "404")
  server:stop(0)
  serve { hidden = true }
  lu.assertEquals(get(".hidden").body, "secret")
end

function spec.test_links_are_followed_if_wanted()
  server:stop(0)
  serve { symlinks = true }
  lu.assertEquals(get("inner").body, "text of a")
  lu.assertEquals(get("link").body, "secret")
  lu.assertEquals(get("../secret.txt").status, "404")
end

function spec.test_other_methods_are_405()
  local text = wire.exchange(address,
    "POST /files/a.txt HTTP/1.1\r\nHost: a\r\n\r\n")
  lu.assertStrContains(text, "HTTP/1.1 405 ")
  lu.assertStrContains(text, "\r\nAllow: GET, HEAD\r\n")
end

function spec.test_options_are_checked()
  local options = { indx = "b" }
  raises("did you mean 'index'", function() http.static("a", options) end)
  raises("string expected", function() http.static(1) end)
end

function spec.test_options_change_index_types_and_age()
  server:stop(0)
  serve { index = "a.txt", types = { txt = "text/x" }, max_age = 60 }
  local answer = get("")
  lu.assertEquals(answer.body, "text of a")
  lu.assertEquals(field(answer, "Content-Type"), "text/x")
  lu.assertEquals(field(answer, "Cache-Control"), "max-age=60")
end

-- ---------------------------------------------------------------- conditions

function spec.test_who_has_it_gets_304()
  local first = get("a.txt")
  local etag, modified = field(first, "ETag"), field(first, "Last-Modified")
  for _, line in ipairs { "If-None-Match: " .. etag,
    "If-None-Match: \"x\", W/" .. etag, "If-None-Match: *",
    "If-Modified-Since: " .. modified } do
    local answer = get("a.txt", line)
    lu.assertEquals({ answer.status, field(answer, "ETag") }, { "304", etag },
      line)
  end
  for _, line in ipairs { "If-None-Match: \"x\"", "If-Modified-Since: nonsense",
    "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT" } do
    lu.assertEquals(get("a.txt", line).status, "200", line)
  end
  -- The tag counts where there are both (RFC 9110, 13.2.2).
  lu.assertEquals(get("a.txt", "If-None-Match: \"x\"",
    "If-Modified-Since: " .. modified).status, "200")
end

function spec.test_who_has_another_one_gets_412()
  local first = get("a.txt")
  local etag, modified = field(first, "ETag"), field(first, "Last-Modified")
  lu.assertEquals(get("a.txt", "If-Match: " .. etag).status, "200")
  lu.assertEquals(get("a.txt", "If-Match: *").status, "200")
  lu.assertEquals(get("a.txt", "If-Match: W/" .. etag).status, "412")
  lu.assertEquals(get("a.txt", "If-Match: \"x\"").status, "412")
  lu.assertEquals(get("a.txt", "If-Unmodified-Since: " .. modified).status,
    "200")
  lu.assertEquals(get("a.txt",
    "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT").status, "412")
end

-- -------------------------------------------------------------------- ranges

function spec.test_a_range_is_206()
  for range, expected in pairs {
    ["bytes=0-3"] = { 0, 3 }, ["bytes=5-"] = { 5, 8 }, ["bytes=-2"] = { 7, 8 },
    ["bytes=3-100"] = { 3, 8 }, ["bytes=-100"] = { 0, 8 },
    ["BYTES=8-8"] = { 8, 8 }, ["bytes= 1-2"] = { 1, 2 },
    ["bytes=0-99999999999999999999"] = { 0, 8 },
  } do
    local answer = get("a.txt", "Range: " .. range)
    lu.assertEquals({ answer.status, answer.body, field(answer,
      "Content-Range") }, { "206", ("text of a"):sub(expected[1] + 1,
      expected[2] + 1), ("bytes %d-%d/9"):format(expected[1], expected[2]) },
      range)
  end
end

function spec.test_a_range_of_a_large_file_is_what_it_says()
  local answer = get("big.bin", "Range: bytes=100001-900000")
  lu.assertEquals(answer.status, "206")
  lu.assertTrue(answer.body == big:sub(100002, 900001))
end

function spec.test_a_range_behind_the_end_is_416()
  for _, range in ipairs { "bytes=9-", "bytes=100-200", "bytes=-0" } do
    local answer = get("a.txt", "Range: " .. range)
    lu.assertEquals({ answer.status, field(answer, "Content-Range") },
      { "416", "bytes */9" }, range)
  end
end

function spec.test_what_is_no_range_is_ignored()
  for _, range in ipairs { "bytes=", "bytes=-", "bytes=3-1", "bytes=a-b",
    "lines=1-2", "bytes=0-1,3-4", "bytes", "bytes=0x1-2" } do
    lu.assertEquals(get("a.txt", "Range: " .. range).status, "200", range)
  end
end

function spec.test_a_range_of_what_has_changed_is_not_sent()
  local first = get("a.txt")
  local etag, modified = field(first, "ETag"), field(first, "Last-Modified")
  for line, status in pairs {
    ["If-Range: " .. etag] = "206", ["If-Range: " .. modified] = "206",
    ["If-Range: W/" .. etag] = "200", ["If-Range: \"x\""] = "200",
    ["If-Range: Sun, 06 Nov 1994 08:49:37 GMT"] = "200",
  } do
    lu.assertEquals(get("a.txt", "Range: bytes=0-1", line).status, status, line)
  end
end

-- ------------------------------------------------------------------ sendfile

function spec.test_sendfile_sends_a_part_of_a_file()
  local near, far = net.pair()
  local file <close> = assert(io.open(folder .. "/public/a.txt"))
  lu.assertEquals(near:sendfile(file, 5, 2), 2)
  lu.assertEquals(near:sendfile(file, 7), 2)
  lu.assertEquals(near:sendfile(file, 100), 0)
  near:shutdown("write")
  lu.assertEquals(far:read("a"), "of a")
  near:close()
  far:close()
  raises("cannot be negative", function() near:sendfile(file, -1) end)
  lu.assertEquals(select(2, near:sendfile(file)).code, "EBADF")
end

-- RFC 9110, 8.8.2.1
function spec.test_no_file_was_changed_in_the_future()
  os.execute(("touch -d 2090-01-01 %s/public/a.txt"):format(folder))
  local answer = get "a.txt"
  lu.assertEquals(answer.status, "200")
  lu.assertNotStrContains(field(answer, "Last-Modified"), "2090")
end

return spec
