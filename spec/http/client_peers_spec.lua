-- The client against servers of others: nginx, Node's http, python3's
-- http.server. Each is started by its test, on a free port.

local authority = require "spec.support.authority"
local command = require "spec.support.command"
local json = require "miniloop.json"
local lu = require "luaunit"
local ml = require "miniloop"
local net = require "miniloop.net"
local peer = require "spec.support.http_peer"
local tls = require "miniloop.tls"

local spec = {}

local function need(program)
  if not os.execute("command -v " .. program .. " >/dev/null"
    .. " || test -x /usr/sbin/" .. program) then
    lu.skip("there is no " .. program)
  end
end

-- A folder with these files, removed when it is closed.
local function folder(files)
  local path = os.tmpname()
  os.remove(path)
  assert(os.execute("mkdir " .. path))
  for name, text in pairs(files) do
    command.write_file(path .. "/" .. name, text)
  end
  return setmetatable({ path = path }, {
    __close = function()
      os.execute("rm -rf " .. path)
    end,
  })
end

local function free_port()
  local listener <close> = assert(net.listen("127.0.0.1:0"))
  return listener:address():match("%d+$")
end

local text = ("All work and no play makes Jack a dull boy.\n"):rep(5000)

-- ---------------------------------------------------------------------- nginx

local nginx_conf = [[
worker_processes 1;
pid FOLDER/pid;
error_log FOLDER/error;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path FOLDER/b; proxy_temp_path FOLDER/p;
  fastcgi_temp_path FOLDER/f; uwsgi_temp_path FOLDER/u; scgi_temp_path FOLDER/s;
  keepalive_requests 5;
  server {
    listen 127.0.0.1:PORT;
    TLS
    root FOLDER;
    default_type text/plain;
    gzip on; gzip_min_length 100; gzip_types text/plain;
    client_max_body_size 1000;
    location = /hello { return 200 "hello\n"; }
    location = /moved { return 301 /hello; }
    location = /gone { return 444; }
    location = /connection { return 200 "$connection"; }
    location = /user { return 200 "$remote_user $http_accept_encoding"; }
  }
}
]]

-- Calls f(client, url) with nginx serving.
local function with_nginx(f, secure)
  need "nginx"
  local dir <close> = folder { ["text.txt"] = text }
  local port, files = free_port(), secure and authority.files()
  local conf = nginx_conf:gsub("PORT", secure and port .. " ssl" or port)
    :gsub("TLS", secure and ("ssl_certificate %s; ssl_certificate_key %s;")
      :format(files.cert, files.key) or "")
    :gsub("FOLDER", dir.path)
  command.write_file(dir.path .. "/conf", conf)
  -- It goes to the background when it listens.
  assert(os.execute(("PATH=$PATH:/usr/sbin nginx -c %s/conf 2>%s/start")
    :format(dir.path, dir.path)))
  local _ <close> = setmetatable({}, {
    __close = function()
      -- It writes its number when it is in the background already.
      os.execute(("cd %s; until test -s pid; do sleep 0.01; done; "
        .. "kill $(cat pid)"):format(dir.path))
    end,
  })
  local client <close> = peer.client {
    tls = secure and { ca = files.ca } or nil,
  }
  f(client, (secure and "https://localhost:" or "http://127.0.0.1:") .. port)
end

local function try_nginx(client, url)
  local res = client:get(url .. "/hello")
  lu.assertEquals({ res.status, res.body, res.headers.server:match("%a+") },
    { 200, "hello\n", "nginx" })
  res = client:get(url .. "/moved")
  lu.assertEquals({ res.url, res.body }, { url .. "/hello", "hello\n" })
  -- (Not assertEquals, which takes minutes to say how such texts differ.)
  lu.assertTrue(client:get(url .. "/text.txt").body == text)
  lu.assertTrue(client:get(url .. "/text.txt", { gzip = false }).body == text)
  local size = 0
  for piece in client:get(url .. "/text.txt", { stream = true }):chunks() do
    size = size + #piece
  end
  lu.assertEquals(size, #text)
  lu.assertEquals(client:head(url .. "/text.txt", { gzip = false })
    .headers["content-length"], tostring(#text))
  lu.assertEquals(client:get(url .. "/none").status, 404)
  lu.assertEquals(client:get(url .. "/text.txt",
    { headers = { range = "bytes=4-7" } }).body, "work")
  local _, err = client:get(url .. "/gone")
  lu.assertTrue(err.code == "ECONNRESET" or err.code == "ETLS_TRUNCATED")
  lu.assertStrContains(client:get((url:gsub("//", "//me:pw@")) .. "/user").body,
    "me gzip, deflate")
end

function spec.test_nginx_serves_us()
  with_nginx(try_nginx)
end

function spec.test_nginx_serves_us_over_tls()
  if not tls.available() then
    lu.skip("there is no OpenSSL")
  end
  with_nginx(try_nginx, true)
end

function spec.test_nginx_closes_after_some_requests_and_we_go_on()
  with_nginx(function(client, url)
    local connections = {}
    for i = 1, 12 do
      local res, err = client:post(url .. "/connection", { body = "x" })
      lu.assertNil(err)
      connections[i] = res.body
    end
    lu.assertEquals(connections[1], connections[5])
    lu.assertNotEquals(connections[5], connections[6])
    lu.assertEquals(connections[6], connections[10])
  end)
end

function spec.test_nginx_refuses_a_large_body_in_the_middle()
  with_nginx(function(client, url)
    local res, err = client:put(url .. "/hello",
      { body = ("x"):rep(10 * 1024 * 1024) })
    lu.assertEquals({ res and res.status, err }, { 413 })
  end)
end

function spec.test_many_requests_at_once()
  with_nginx(function(client, url)
    local list = {}
    for i = 1, 200 do
      list[i] = url .. "/text.txt"
    end
    local sizes, errs = ml.map(list, function(page)
      local res, err = client:get(page)
      return res and #res.body, err
    end, { limit = 20 })
    lu.assertEquals(errs, {})
    for i = 1, 200 do
      lu.assertEquals(sizes[i], #text)
    end
  end)
end

-- ----------------------------------------------------------------------- node

local node_script = [[
const http = require("http"), zlib = require("zlib");
const server = http.createServer((req, res) => {
  const pieces = [];
  if (req.url == "/early") {
    res.writeEarlyHints({ link: "</x>; rel=preload" });
    res.end("late");
  } else if (req.url == "/trailers") {
    res.writeHead(200, { Trailer: "x" });
    res.write("body");
    res.addTrailers({ x: "y" });
    res.end();
  } else if (req.url == "/deflate") {
    res.writeHead(200, { "Content-Encoding": "deflate" });
    res.end(zlib.deflateSync("packed"));
  } else if (req.url == "/raw") {
    res.writeHead(200, { "Content-Encoding": "deflate" });
    res.end(zlib.deflateRawSync("packed"));
  } else if (req.url == "/pipe") {
    req.pipe(res);
  } else if (req.url == "/cut") {
    res.writeHead(200, { "Content-Length": 100 });
    res.write("some");
    setImmediate(() => res.socket.destroy());
  } else {
    req.on("data", piece => pieces.push(piece));
    req.on("end", () => {
      const body = Buffer.concat(pieces);
      res.setHeader("Set-Cookie", ["a=1", "b=2; HttpOnly"]);
      res.setHeader("Content-Type", "application/json");
      res.end(JSON.stringify({ method: req.method, url: req.url,
        headers: req.headers, size: body.length,
        body: body.toString().slice(0, 100) }));
    });
  }
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
]]

local function with_node(f)
  need "node"
  local dir <close> = folder { ["server.js"] = node_script }
  local process <close> = command.start({ dir.path .. "/server.js" },
    { command = "node", poller = false })
  local url = "http://127.0.0.1:" .. process:line()
  local client <close> = peer.client { cookies = true }
  f(client, url)
end

function spec.test_node_understands_us()
  with_node(function(client, url)
    local seen = client:post(url .. "/a?b=c", { json = { 1, json.null } })
      :json()
    lu.assertEquals({ seen.method, seen.url, seen.body, seen.size },
      { "POST", "/a?b=c", "[1,null]", 8 })
    lu.assertEquals(seen.headers["content-type"], "application/json")
    lu.assertEquals(seen.headers.host, url:match("//(.*)"))
    seen = client:put(url, { form = { x = "ü" } }):json()
    lu.assertEquals({ seen.body, seen.headers.cookie },
      { "x=%C3%BC", "a=1; b=2" })
    local left = 100
    seen = client:post(url, { body = function()
      left = left - 1
      return left >= 0 and ("x"):rep(1000) or nil
    end }):json()
    lu.assertEquals({ seen.size, seen.headers["transfer-encoding"] },
      { 100000, "chunked" })
    seen = client:delete(url):json()
    lu.assertEquals({ seen.method, seen.size }, { "DELETE", 0 })
  end)
end

function spec.test_we_understand_node()
  with_node(function(client, url)
    lu.assertEquals(client:get(url .. "/early").body, "late")
    lu.assertEquals(client:get(url .. "/trailers").body, "body")
    lu.assertEquals(client:get(url .. "/deflate").body, "packed")
    lu.assertEquals(client:get(url .. "/raw").body, "packed")
    local _, err = client:get(url .. "/cut")
    lu.assertTrue(err.code == "EPROTO" or err.code == "ECONNRESET")
    local large = ("0123456789"):rep(500000)
    lu.assertTrue(client:post(url .. "/pipe", { body = large }).body == large)
  end)
end

-- -------------------------------------------------------------------- python3

function spec.test_python_s_server_ends_bodies_with_the_connection()
  need "python3"
  local dir <close> = folder { ["text.txt"] = text, ["index.html"] = "<html>" }
  local process <close> = command.start(
    { "-u", "-m", "http.server", "-b", "127.0.0.1", "-d", dir.path, "0" },
    { command = "python3", poller = false })
  local url = "http://127.0.0.1:" .. process:line():match("port (%d+)")
  local client <close> = peer.client()
  for _ = 1, 3 do
    lu.assertTrue(client:get(url .. "/text.txt").body == text)
    lu.assertEquals(client:get(url).body, "<html>")
  end
  lu.assertEquals(client:get(url .. "/none").status, 404)
  lu.assertEquals(client:post(url, { body = "x" }).status, 501)
  lu.assertEquals(client:head(url .. "/text.txt").body, "")
end

return spec
