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

-- C2.1
function spec.test_a_folder_that_is_not_there_is_misuse()
  raises("no folder '/nowhere': no such file",
    function() http.static "/nowhere" end)
  raises("not a directory", function() http.static "/dev/null" end)
end

-- C2.1: it would split the answer, or a part of it.
function spec.test_a_type_that_is_none_is_misuse()
  local options = { types = { css = "text/css\r\nX: y" } }
  raises("option 'types' of 'static' (the header field 'css' would split",
    function() http.static("/tmp", options) end)
end

-- ------------------------------------------------------------- what is found

function spec.test_a_file_that_is_changed_is_another_one()
  local first = get("a.txt")
  lu.assertEquals(field(get("a.txt"), "ETag"), field(first, "ETag"))
  write_file("public/a.txt", "another text")
  local second = get("a.txt")
  lu.assertEquals(second.body, "another text")
  lu.assertNotEquals(field(second, "ETag"), field(first, "ETag"))
  lu.assertEquals(get("a.txt", "If-None-Match: " .. field(second, "ETag"))
    .status, "304")
end

function spec.test_any_number_of_files_is_found()
  for i = 1, 300 do
    write_file(("public/sub/%d.txt"):format(i), "number " .. i)
  end
  for _ = 1, 2 do
    for i = 1, 300 do
      lu.assertEquals(get(("sub/%d.txt"):format(i)).body, "number " .. i)
    end
  end
end

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
    "lines=1-2", "bytes", "bytes=0x1-2", "bytes=0-1,x", "bytes=0-1,3-1",
    "bytes=,", "bytes=1-2 3-4", "bytes=0-1,,3-" .. ("4"):rep(30) .. "-" } do
    lu.assertEquals(get("a.txt", "Range: " .. range).status, "200", range)
  end
end

-- The parts of an answer with several: { Content-Range, type, bytes }.
local function parts_of(answer)
  local boundary = field(answer, "Content-Type"):match(
    "^multipart/byteranges; boundary=(%w+)$")
  local text, parts = "\r\n" .. answer.body, {}
  local from = 1
  local function take(pattern)
    local first, last, a, b = text:find("^" .. pattern, from)
    lu.assertNotNil(first, text:sub(from, from + 100))
    from = last + 1
    return a, b
  end
  repeat
    local media_type, bytes = take("\r\n%-%-" .. boundary
      .. "\r\nContent%-Type: (.-)\r\nContent%-Range: (.-)\r\n\r\n")
    local first, last = bytes:match "^bytes (%d+)%-(%d+)/"
    local count = last - first + 1
    parts[#parts + 1] = { bytes, media_type, text:sub(from, from + count - 1) }
    from = from + count
  until text:find("^\r\n%-%-" .. boundary .. "%-%-\r\n$", from)
  return parts
end

-- RFC 9110, 14.6
function spec.test_several_ranges_are_as_many_parts()
  local kind = "text/plain; charset=utf-8"
  for range, expected in pairs {
    ["bytes=0-3,5-6"] = { { "0-3", "text" }, { "5-6", "of" } },
    ["bytes=-1, 0-0"] = { { "8-8", "a" }, { "0-0", "t" } },
    ["bytes=0-0 ,, 2-2,9-,4-4"] = { { "0-0", "t" }, { "2-2", "x" },
      { "4-4", " " } },
    ["bytes=0-3,0-3"] = { { "0-3", "text" }, { "0-3", "text" } },
  } do
    local answer = get("a.txt", "Range: " .. range)
    lu.assertEquals(answer.status, "206", range)
    lu.assertNil(field(answer, "Content-Range"))
    for i, part in ipairs(parts_of(answer)) do
      lu.assertEquals(part, { "bytes " .. expected[i][1] .. "/9", kind,
        expected[i][2] }, range)
    end
  end
end

function spec.test_several_ranges_of_a_large_file()
  local answer = get("big.bin", "Range: bytes=1-500000,7-7,600001-1000000",
    "Connection: close")
  local parts = parts_of(answer)
  lu.assertTrue(parts[1][3] == big:sub(2, 500001))
  lu.assertEquals(parts[2][3], big:sub(8, 8))
  lu.assertTrue(parts[3][3] == big:sub(600002, 1000001))
end

function spec.test_one_of_several_that_is_there_is_an_answer_by_itself()
  local answer = get("a.txt", "Range: bytes=20-30,2-3,-0")
  lu.assertEquals({ answer.status, field(answer, "Content-Range"),
    answer.body }, { "206", "bytes 2-3/9", "xt" })
  lu.assertEquals(get("a.txt", "Range: bytes=20-30,-0").status, "416")
end

-- CVE-2011-3192: to ask for all of it a thousand times over.
function spec.test_ranges_that_ask_for_more_than_there_is_are_ignored()
  local tiny = ("0-0,"):rep(100)
  for range, status in pairs {
    ["bytes=0-,0-"] = "200", ["bytes=0-5,5-8"] = "200",
    ["bytes=" .. ("0-,"):rep(1000)] = "200", ["bytes=" .. tiny] = "206",
    ["bytes=" .. tiny .. "1-1"] = "200",
  } do
    local answer = get("big.bin", "Range: " .. range)
    if #range > 100 then
      lu.assertEquals(answer.status, status, range)
    else
      lu.assertEquals(get("a.txt", "Range: " .. range).status, status, range)
    end
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

-- Whoever calls: a path is made of names, and goes down.
function spec.test_a_path_that_is_no_list_of_names_leads_nowhere()
  local open = require("miniloop.core").http.open
  for _, path in ipairs { ".", "..", "public/../public", "public//sub",
    "./public", "public/." } do
    local file, err = open(folder, path, true)
    lu.assertNil(file)
    lu.assertEquals(err.code, "ENOENT")
  end
  local file = assert(open(folder, "public/sub/", true))
  lu.assertEquals((file:stat()), "folder")
  lu.assertEquals(select(2, file:read(0, 1)).code, "EISDIR")
  file:close()
end

return spec
