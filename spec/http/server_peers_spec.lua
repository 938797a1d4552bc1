-- The server with clients of others: curl, wrk, and nginx in front of it.

local lu = require "luaunit"
local authority = require "spec.support.authority"
local command = require "spec.support.command"
local example = require "spec.examples.example"
local http = require "miniloop.http"
local ml = require "miniloop"
local net = require "miniloop.net"
local tls = require "miniloop.tls"

local spec = {}

local free = "127.0.0.1:0"

local function need(program)
  if not os.execute("command -v " .. program .. " >/dev/null"
    .. " || test -x /usr/sbin/" .. program) then
    lu.skip("there is no " .. program)
  end
end

local folder

function spec.before_each()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir -p " .. folder .. "/files"))
  assert(os.execute(("head -c 3000000 /dev/urandom >%s/in"):format(folder)))
end

function spec.after_each()
  os.execute("rm -rf " .. folder)
end

local function shell(line, ...)
  return example.shell(line:format(...))
end

local function upload_server()
  return example.serve("22_upload", { folder .. "/files", free })
end

-- ------------------------------------------------------------------------ curl

-- A body that goes there and comes back, with these words for curl.
local function check_there_and_back(address, words)
  local out = shell("curl -s --max-time 20 %s -T %s/in http://%s/files/x",
    words, folder, address)
  lu.assertEquals(out, "x: 3000000 bytes\n", words)
  lu.assertEquals(shell("curl -s --max-time 20 http://%s/files/x | cmp - %s/in",
    address, folder), "")
end

function spec.test_curl_sends_in_all_its_ways()
  local process <close>, address = upload_server()
  for _, words in ipairs { "", "--http1.0", "-H 'Transfer-Encoding: chunked'",
    "-H 'Expect: 100-continue'", "-H 'Expect:'", "--limit-rate 20M",
    "-H 'Connection: close'" } do
    check_there_and_back(address, words)
  end
  example.interrupt(process)
end

function spec.test_curl_uses_a_connection_again_and_goes_on_where_it_was()
  local process <close>, address = upload_server()
  check_there_and_back(address, "")
  local out = shell("curl -sv --max-time 20 http://%s/files/x "
    .. "http://%s/files/x -o /dev/null -o /dev/null 2>&1", address, address)
  lu.assertStrContains(out, "Re-using existing connection")
  shell("head -c 1000000 %s/in >%s/half", folder, folder)
  shell("curl -s -C - -o %s/half http://%s/files/x", folder, address)
  lu.assertEquals(shell("cmp %s/half %s/in", folder, folder), "")
  out = shell("curl -s -o /dev/null -w '%%{http_code}' -z %s/files/x "
    .. "http://%s/files/x", folder, address)
  lu.assertEquals(out, "304")
  example.interrupt(process)
end

-- ------------------------------------------------------------------------- wrk

function spec.test_wrk_finds_no_fault()
  need "wrk"
  local process <close>, address = example.serve("20_routes_json", { free })
  local out = shell("wrk -t1 -c32 -d1s http://%s/", address)
  lu.assertStrContains(out, "requests in")
  lu.assertNotStrContains(out, "Socket errors")
  lu.assertNotStrContains(out, "Non-2xx")
  example.interrupt(process)
end

-- ----------------------------------------------------------------------- nginx

local nginx_conf = [[
worker_processes 1;
pid FOLDER/pid;
error_log FOLDER/error;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path FOLDER/b; proxy_temp_path FOLDER/p;
  fastcgi_temp_path FOLDER/f; uwsgi_temp_path FOLDER/u; scgi_temp_path FOLDER/s;
  client_max_body_size 0;
  upstream back { server BACK; keepalive 4; }
  server {
    listen 127.0.0.1:PORT;
    location / { proxy_pass http://back; MORE }
  }
}
]]

local function free_port()
  local listener <close> = assert(net.listen(free))
  return listener:address():match("%d+$")
end

-- Starts nginx in front of an address; its own.
local function start_nginx(back, more)
  local port = free_port()
  local conf = nginx_conf:gsub("%u%u%u%u+", {
    FOLDER = folder, PORT = port, BACK = back, MORE = more,
  })
  command.write_file(folder .. "/conf", conf)
  assert(os.execute(("PATH=$PATH:/usr/sbin nginx -c %s/conf 2>%s/start")
    :format(folder, folder)))
  return "127.0.0.1:" .. port
end

local function stop_nginx()
  os.execute(("kill $(cat %s/pid)"):format(folder))
  while io.open(folder .. "/pid") do
    ml.sleep(0.01)
  end
end

function spec.test_nginx_in_front()
  need "nginx"
  for _, more in ipairs { "",
    'proxy_http_version 1.1; proxy_set_header Connection "";',
    'proxy_http_version 1.1; proxy_set_header Connection ""; '
      .. "proxy_request_buffering off; proxy_buffering off;",
  } do
    local process <close>, back = upload_server()
    local address = start_nginx(back, more)
    check_there_and_back(address, "")
    check_there_and_back(address, "-H 'Transfer-Encoding: chunked'")
    lu.assertEquals(shell("curl -s -o /dev/null -w '%%{http_code}' -r 5-9 "
      .. "http://%s/files/x", address), "206")
    stop_nginx()
    example.interrupt(process)
  end
end

-- ------------------------------------------------------------------------- TLS

-- What a line of shell prints, while the loop runs on.
local function background(line, ...)
  local pipe <close> = assert(io.popen(line:format(...)))
  local stream <close> = assert(net.stream(pipe))
  return stream:read("a")
end

function spec.test_curl_over_tls()
  if not tls.available() then
    lu.skip("there is no OpenSSL")
  end
  local files = authority.files()
  local server = assert(http.serve(free, {
    ["GET /files/*"] = http.static(folder),
    ["PUT /in"] = function(req) return req:body(1 << 30) end,
  }, { tls = { cert = files.cert, key = files.key } }))
  local curl = ("curl -s --max-time 20 --cacert %s https://localhost:%s")
    :format(files.ca, server:address():match("%d+$"))
  lu.assertEquals(background("%s/files/in | cmp - %s/in", curl, folder), "")
  lu.assertEquals(background("%s/ -T %s/in | cmp - %s/in", curl, folder,
    folder), "")
  lu.assertEquals(background("%s/files/in -r 1000-1999 | wc -c", curl),
    "1000\n")
  server:stop(0)
end

return spec
