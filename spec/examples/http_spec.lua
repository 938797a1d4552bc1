-- The examples that serve HTTP, each with clients that are not ours.

local lu = require "luaunit"
local example = require "spec.examples.example"

local spec = {}

local free = "127.0.0.1:0"

-- What curl prints, with words of its own and a path.
local function curl(address, path, words)
  return example.shell(("curl -s --max-time 20 %s 'http://%s%s'"):format(
    words or "", address, path))
end

local function status(address, path, words)
  return curl(address, path, "-o /dev/null -w '%{http_code}' " .. (words or ""))
end

local function with_folder(f)
  local folder = os.tmpname()
  os.remove(folder)
  os.execute("mkdir " .. folder)
  f(folder)
  os.execute("rm -r " .. folder)
end

function spec.test_routes_and_json()
  local process <close>, address = example.serve("20_routes_json", { free })
  lu.assertEquals(curl(address, "/"), "hello\n")
  lu.assertStrContains(curl(address, "/notes"), '"notes":[]')
  lu.assertEquals(status(address, "/notes", "-d '{\"text\": \"milk\"}'"), "201")
  lu.assertStrContains(curl(address, "/notes/1"), '"text":"milk"')
  lu.assertStrContains(curl(address, "/notes?text=mil"), '"count":1')
  lu.assertStrContains(curl(address, "/notes?text=x"), '"count":0')
  lu.assertEquals(status(address, "/notes", "-d '{\"text\": 1}'"), "422")
  lu.assertEquals(status(address, "/notes", "-d 1"), "422")
  lu.assertEquals(status(address, "/notes", "-d '{'"), "400")
  lu.assertEquals(status(address, "/notes/1", "-X DELETE"), "204")
  lu.assertEquals(status(address, "/notes/1"), "404")
  lu.assertEquals(status(address, "/notes", "-X PUT"), "405")
  example.interrupt(process)
end

function spec.test_a_static_site()
  with_folder(function(folder)
    os.execute(("echo '<html>start' >%s/index.html"):format(folder))
    local process <close>, address = example.serve("21_static_site",
      { folder, free })
    lu.assertEquals(curl(address, "/"), "<html>start\n")
    lu.assertEquals(curl(address, "/", "-r 1-4"), "html")
    lu.assertEquals(status(address, "/none"), "404")
    lu.assertEquals(status(address, "/../../etc/passwd", "--path-as-is"), "404")
    process:kill("INT")
    local result = process:finish()
    lu.assertStrContains(result.err, '"GET / HTTP/1.1" 200 12 "-" "curl/')
    lu.assertStrContains(result.err, '"GET / HTTP/1.1" 206 4 ')
  end)
end

function spec.test_an_upload_to_the_disk()
  with_folder(function(folder)
    os.execute(("head -c 5000000 /dev/urandom >%s/in"):format(folder))
    local process <close>, address = example.serve("22_upload",
      { folder, free })
    lu.assertEquals(curl(address, "/files/out", ("-T %s/in"):format(folder)),
      "out: 5000000 bytes\n")
    lu.assertEquals(curl(address, "/files/packed",
      ("-T - <%s/in"):format(folder)), "packed: 5000000 bytes\n")
    lu.assertTrue(os.execute(("cd %s && cmp in out && cmp in packed"):format(
      folder)))
    lu.assertEquals(example.shell(("curl -s http://%s/files/out | cmp - %s/in")
      :format(address, folder)), "")
    lu.assertEquals(status(address, "/files/..%2fx", "-T /dev/null"), "400")
    example.interrupt(process)
  end)
end

function spec.test_server_sent_events()
  local process <close>, address = example.serve("23_server_sent_events",
    { free })
  lu.assertStrContains(curl(address, "/"), "EventSource")
  local reader <close> = assert(io.popen("curl -sN --max-time 20 http://"
    .. address .. "/events"))
  lu.assertEquals(reader:read("l"), ": ")
  lu.assertEquals(status(address, "/say", "-d text=hello"), "204")
  lu.assertEquals(reader:read("l"), "")
  lu.assertEquals(reader:read("l"), "data: hello")
  example.interrupt(process)
end

-- The old one answers what it was asked, while the new one takes over.
function spec.test_a_graceful_restart()
  local old <close>, address = example.serve("24_graceful_restart", { free })
  local _ <close> = example.serve("24_graceful_restart", { address })
  local slow = {}
  for i = 1, 6 do -- some of them go to the old one
    slow[i] = assert(io.popen("curl -s --max-time 20 http://" .. address
      .. "/slow"))
  end
  os.execute("sleep 0.3")
  old:kill("TERM")
  for i = 1, 6 do
    lu.assertEquals(slow[i]:read("a"), "done\n")
    slow[i]:close()
  end
  lu.assertEquals(curl(address, "/"), "hello\n")
  local result = old:finish()
  lu.assertEquals({ result.out, result.err, result.status },
    { "got TERM\nall were answered\n", "", 0 })
end

return spec
