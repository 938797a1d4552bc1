-- Forms with files (RFC 7578): what browsers, curl and our own client send.

local lu = require "luaunit"
local http = require "miniloop.http"
local ml = require "miniloop"
local multipart = require "miniloop.http.multipart"
local net = require "miniloop.net"

local spec = {}

local server, url

local function serve(handler, options)
  server = assert(http.serve("127.0.0.1:0", handler, options))
  url = "http://" .. server:address() .. "/"
end

function spec.after_each()
  http.close()
  if server then
    server:stop(0)
    server = nil
  end
end

-- ------------------------------------------------------------------ the parser

local function line(text)
  return (text:gsub("\n", "\r\n"))
end

-- The parts of a body that comes in pieces of that size: each as { name,
-- filename, type, body }; or the reason of an error.
local function read(body, size, boundary)
  local at = 1
  local reader = multipart.reader(function()
    local piece = body:sub(at, at + size - 1)
    at = at + size
    return piece ~= "" and piece or nil
  end, boundary or "B")
  local parts = {}
  while true do
    local part, err = reader:next()
    local text
    if part then
      text, err = part:body()
    end
    if err then
      return err.reason, err.status
    elseif not part then
      return parts
    end
    parts[#parts + 1] = { part.name, part.filename or false,
      part.type or false, text }
  end
end

local function assert_parts(body, expected, boundary)
  for _, size in ipairs { 1, 2, 3, 7, #body + 1 } do
    lu.assertEquals(read(body, size, boundary), expected, size)
  end
end

local function disposition(rest)
  return "Content-Disposition: form-data; " .. rest .. "\n"
end

function spec.test_fields_and_files()
  assert_parts(line(table.concat {
    "--B\n", disposition 'name="a"', "\n", "text\n", "--B\n",
    disposition 'name="f"; filename="x.txt"', "Content-Type: text/plain\n",
    "\n", "two\nlines\n", "\n--B--\n",
  }), { { "a", false, false, "text" },
    { "f", "x.txt", "text/plain", "two\r\nlines\r\n" } })
end

function spec.test_edges_of_parts()
  local head = disposition 'name="a"' .. "\n"
  for body, expected in pairs {
    ["--B--"] = {},
    ["--B--\n"] = {},
    ["preamble\n--B--epilogue"] = {},
    ["--B\n" .. head .. "\n--B--"] = { { "a", false, false, "" } },
    ["--B \t\n" .. head .. "x\n--B--"] = { { "a", false, false, "x" } },
    ["--B\n" .. head .. "--B\n--B--"] = { { "a", false, false, "--B" } },
    ["--B\n" .. head .. "\n--\n-B\n--C\n--B--"] =
      { { "a", false, false, "\r\n--\r\n-B\r\n--C" } },
    ["--B\n" .. head .. "x\n--B\n" .. head .. "y\n--B--"] =
      { { "a", false, false, "x" }, { "a", false, false, "y" } },
  } do
    assert_parts(line(body), expected)
  end
end

function spec.test_names_as_clients_write_them()
  for rest, expected in pairs {
    ['name="a b"'] = { "a b", false }, ["name=a"] = { "a", false },
    ['NAME="a"; FileName="b;c"'] = { "a", "b;c" },
    ['filename="b"; name="a"'] = { "a", "b" },
    ['name="a"; filename=""'] = { "a", "" },
    ['name="%22%0D%0A%41"'] = { '"\r\n%41', false },
    ['name="a\\"b\\\\"; filename="C:\\dir\\f"'] = { 'a"b\\', "C:\\dir\\f" },
    ['name="\xC3\xA4"'] = { "\xC3\xA4", false },
    ['name=""'] = { "", false },
  } do
    assert_parts(line("--B\n" .. disposition(rest) .. "\nx\n--B--"),
      { { expected[1], expected[2], false, "x" } })
  end
end

function spec.test_what_is_no_form()
  local head = disposition 'name="a"' .. "\n"
  for body, reason in pairs {
    [""] = "cut off", ["--"] = "cut off", ["--B"] = "cut off",
    ["--B\n" .. head .. "text"] = "cut off", ["--C--"] = "cut off",
    ["--B\n" .. head .. "text\n--B"] = "cut off",
    ["--B x\n" .. head .. "\n--B--"] = "boundary is malformed",
    ["--BB\n" .. head .. "\n--BB--"] = "boundary is malformed",
    ["--B\n\nx\n--B--\n\n"] = "no name",
    ["--B\nContent-Type: text/plain\n\nx\n--B--"] = "no name",
    ["--B\nContent-Disposition: form-data; filename=\"a\"\n\nx\n--B--"] =
      "no name",
    ["--B\nContent-Disposition: attachment; name=\"a\"\n\nx\n--B--"] =
      "no name",
    ["--B\n" .. disposition 'name="a' .. "\nx\n--B--"] = "no name",
    ["--B\nno field\n" .. head .. "x\n--B--"] = "no name",
    ["--B\n" .. ("X: y\n"):rep(5000) .. head] = "head of a part is too long",
    ["--B" .. (" "):rep(20000) .. "\n"] = "boundary is too long",
    [("--B\n" .. head .. "\n"):rep(1001) .. "--B--"] = "too many parts",
  } do
    for _, size in ipairs { 1000, 1 << 20 } do
      local why, status = read(line(body), size)
      lu.assertStrContains(why, reason)
      lu.assertEquals(status, reason == "too many parts" and 413 or 400)
    end
  end
end

function spec.test_boundaries()
  for media_type, boundary in pairs {
    ["multipart/form-data; boundary=abc"] = "abc",
    ["Multipart/Form-Data;boundary=abc"] = "abc",
    ['multipart/form-data; boundary="a b"; charset=utf-8'] = "a b",
    ["multipart/form-data; charset=utf-8; BOUNDARY=abc"] = "abc",
    ["multipart/form-data"] = false, ["multipart/mixed; boundary=a"] = false,
    ["multipart/form-data; boundary="] = false,
    ["multipart/form-data; boundary=" .. ("a"):rep(71)] = false,
  } do
    lu.assertEquals(multipart.boundary(media_type), boundary or nil, media_type)
  end
  lu.assertNil(multipart.boundary(nil))
end

-- A piece may begin with what could be a boundary, again and again.
function spec.test_what_looks_like_a_boundary_costs_no_more()
  local text = ("\r\n--"):rep(50000)
  local body = line("--B\n" .. disposition 'name="a"' .. "\n") .. text
    .. "\r\n--B--"
  lu.assertTrue(read(body, 4096)[1][4] == text)
end

-- ------------------------------------------------------------------ the server

local function echo(req)
  local fields, list = assert(req:form())
  return { fields = fields, count = #list }
end

function spec.test_a_form_with_a_file_by_our_client()
  serve(echo)
  local res = assert(http.post(url, { multipart = {
    { name = "a", data = "1" }, { name = "a", data = "2" },
    { name = "f", data = "\1text", filename = "x\".html" },
  } }))
  lu.assertEquals(res:json(), { count = 3, fields = {
    a = "1", f = { filename = "x\".html", type = "text/html; charset=utf-8",
      data = "\1text" },
  } })
end

function spec.test_a_form_with_a_file_by_curl()
  lu.skipIf(not os.execute "command -v curl >/dev/null", "there is no curl")
  serve(function(req)
    local form = req:form()
    return ("%s %s %s %d"):format(form.a, form.b, form.f.filename, #form.f.data)
  end)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "w"))
  file:write(("line\n"):rep(10000))
  file:flush()
  local pipe <close> = assert(io.popen(("curl -s -F a=1 -F 'b=x;type=text/css' "
    .. "-F 'f=@%s;filename=\"q.txt\"' %s"):format(path, url)))
  assert(ml.wait_io_read(pipe, 20)) -- who reads a pipe of Lua's, blocks us all
  lu.assertEquals(pipe:read "a", "1 x q.txt 50000")
  os.remove(path)
end

function spec.test_parts_come_one_after_the_other_and_are_never_held()
  local seen = {}
  serve(function(req)
    for part in req:parts() do
      local size = 0
      if part.name ~= "skipped" then
        for piece in part:chunks() do
          size = size + #piece
          lu.assertTrue(#piece <= 1 << 17)
        end
      end
      table.insert(seen, part.name .. " " .. size)
    end
    return "well"
  end)
  local large = ("x"):rep(3000000)
  local res = http.post(url, { multipart = {
    { name = "one", data = large }, { name = "skipped", data = large },
    { name = "none", data = "" }, { name = "two", data = large .. "\r\n" },
  } })
  lu.assertEquals({ res.status, res.body }, { 200, "well" })
  lu.assertEquals(seen, { "one 3000000", "skipped 0", "none 0",
    "two 3000002" })
end

function spec.test_limits_and_other_types_have_their_status()
  serve({ ["/form"] = echo, ["/parts"] = function(req)
    for part in req:parts(3000) do
      assert(part:body(500))
    end
    return "well"
  end }, { limits = { body = 1000 } })
  local function status(path, size)
    return http.post(url .. path, { multipart = {
      { name = "a", data = ("x"):rep(size) },
      { name = "b", data = ("x"):rep(size) },
    } }).status
  end
  lu.assertEquals(status("form", 100), 200)
  lu.assertEquals(status("form", 500), 413) -- with what is between them
  lu.assertEquals(status("form", 2000), 413)
  lu.assertEquals(status("parts", 500), 200)
  lu.assertEquals(status("parts", 501), 413)
  lu.assertEquals(http.post(url .. "parts", { body = "x" }).status, 415)
  lu.assertEquals(http.post(url .. "form", { body = "x" }).status, 415)
  lu.assertEquals(http.post(url .. "parts", { body = "x", headers = {
    ["Content-Type"] = "multipart/form-data; boundary=x" } }).status, 400)
end

-- RFC 9110, 10.1.1: who waits to be asked for it need not send it.
function spec.test_a_form_that_is_too_long_is_not_asked_for()
  serve { ["/form"] = echo, ["/parts"] = function(req) req:parts(10)() end }
  for _, path in ipairs { "/form", "/parts" } do
    local conn <close> = assert(net.connect(server:address()))
    conn:write("POST ", path, " HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999",
      "\r\nContent-Type: multipart/form-data; boundary=B\r\n",
      "Expect: 100-continue\r\n\r\n")
    lu.assertStrContains(conn:read "l", "HTTP/1.1 413 ")
  end
end

-- C2.1
function spec.test_a_part_that_is_over_is_not_read()
  local told
  serve(function(req)
    local next_part = req:parts()
    local first = next_part()
    next_part()
    told = select(2, pcall(first.body, first))
    return "well"
  end)
  http.post(url, { multipart = { { name = "a", data = "1" },
    { name = "b", data = "2" } } })
  lu.assertStrContains(told, "the part is over")
end

-- --------------------------------------------------------------------- cookies

function spec.test_cookies_both_ways()
  serve(function(req, res)
    res:cookie("seen", tostring(tonumber(req.cookies.seen or 0) + 1),
      { path = "/", httponly = true })
    res:cookie("b", "x")
    return req.cookies.b or "none"
  end)
  local client <close> = http.client { cookies = true }
  lu.assertEquals(client:get(url).body, "none")
  local res = client:get(url)
  lu.assertEquals(res.body, "x")
  lu.assertEquals(res.headers["set-cookie"],
    { "seen=2; Path=/; HttpOnly", "b=x" })
end

function spec.test_a_cookie_that_cannot_be_is_misuse()
  local told = {}
  serve(function(_, res)
    table.insert(told, (select(2, pcall(res.cookie, res, "a b", "c"))))
    res:write "x"
    table.insert(told, (select(2, pcall(res.cookie, res, "a", "c"))))
  end)
  http.get(url)
  lu.assertStrContains(told[1], "bad argument #1 to 'cookie'")
  lu.assertStrContains(told[2], "the head was sent already")
end

-- ------------------------------------------------- what is open to be read

function spec.test_a_file_or_a_stream_is_an_answer()
  local near, far
  local path = os.tmpname()
  local text = ("text\n"):rep(50000)
  serve {
    ["/file"] = function() return io.open(path) end,
    ["/stream"] = function()
      near, far = net.pair()
      ml.spawn(function()
        far:write("one ", "two")
        far:close()
      end)
      return 200, near, { ["Content-Type"] = "text/plain" }
    end,
  }
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  lu.assertTrue(http.get(url .. "file").body == text)
  lu.assertEquals(http.get(url .. "stream").body, "one two")
  lu.assertNil((near:recv())) -- it is closed
  server:stop(0)
  os.remove(path)
end

return spec
