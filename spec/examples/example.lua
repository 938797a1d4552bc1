-- Runs the examples, each as a process of its own, and talks to them by
-- clients that are not ours: nc, socat, curl.

local lu = require "luaunit"
local net = require "miniloop.net"
local command = require "spec.support.command"

local example = {}

local root = (os.getenv("ML_SOURCE") or ".") .. "/"

local function words_of(name, args, options)
  local words = { table.unpack(options or {}) }
  table.insert(words, root .. "examples/" .. name .. ".lua")
  for _, word in ipairs(args or {}) do
    table.insert(words, word)
  end
  return words
end

-- Runs it to its end, with further options of the command: what it printed.
-- It must end well.
function example.output(name, args, options)
  local result = command.run(words_of(name, args, options))
  command.expect(result, 0, nil, "")
  return result.out
end

-- As command.start.
function example.start(name, args, options)
  return command.start(words_of(name, args), options)
end

-- Starts a server; its process, and the address that it prints.
function example.serve(name, args)
  local process = example.start(name, args)
  local line = process:line()
  local address = line and line:match("^%l+ on (127%.0%.0%.1:%d+)$")
  if not address then
    error(("%s: no address in %q"):format(name, tostring(line)))
  end
  return process, address
end

-- Ends it as Ctrl-C does: nothing of it is an error. What was still to read.
function example.interrupt(process)
  process:kill("INT")
  local result = process:finish()
  lu.assertEquals(result.err, "")
  lu.assertEquals(result.signal, 2, result.status)
  return result.out
end

-- ----------------------------------------------------------------- clients

-- "nc 127.0.0.1 80"
function example.nc(address)
  return "nc -N -w 30 " .. address:gsub(":", " ")
end

-- What a line of shell prints.
function example.shell(line)
  local pipe <close> = assert(io.popen(line))
  return pipe:read("a")
end

-- A socat that stands between the address and a stream, which is given: what
-- is written to that goes out at once, and what comes can be waited for.
function example.client(address)
  local path = os.tmpname()
  os.remove(path)
  local listener <close> = assert(net.listen("unix:" .. path))
  os.execute(("socat -t 30 UNIX-CONNECT:%s TCP:%s 2>/dev/null &"):format(path,
    address))
  local conn = assert(listener:accept(30))
  conn:settimeout(30)
  return conn
end

local server_meta = {}

function server_meta.__close(server)
  os.execute("kill " .. server.pid)
  server.pipe:close()
  os.remove(server.script)
end

-- A socat that serves each connection by a script for sh, to be closed:
-- { address = }.
function example.server(text)
  local script = os.tmpname()
  command.write_file(script, text)
  local pipe = assert(io.popen(([[
    echo $$
    exec timeout 100 socat -t 30 -d -d TCP-LISTEN:0,bind=127.0.0.1,fork \
      EXEC:"sh %s" 2>&1]]):format(script)))
  local pid = pipe:read("n", "l")
  local address
  repeat
    local line = assert(pipe:read("l"), "socat has ended")
    address = line:match("listening on AF=2 (%S+)")
  until address
  return setmetatable({
    pipe = pipe, pid = pid, script = script, address = address,
  }, server_meta)
end

return example
