-- openssl(1) as a peer, that a test talks to without blocking the loop.

local net = require "miniloop.net"
local shell = require "spec.support.shell"

local openssl = {}

local LIFE = 100 -- seconds

local process = {}
process.__index = process

-- Starts `openssl WORDS`. Gives a process with `input`, a stream to its
-- standard input, and `output`, one of all that it writes; to be closed. (If
-- nobody comes to do so, for there is no memory, it ends all the same: pclose
-- waits for it.)
function openssl.start(words)
  shell.need("openssl", "mkfifo", "stdbuf", "timeout")
  local fifo = os.tmpname()
  os.remove(fifo)
  shell.run("mkfifo " .. fifo)
  -- Open for both, so that neither end waits for the other.
  local input = assert(io.open(fifo, "r+"))
  local pipe = assert(io.popen(
    ("exec <%s; echo $$; exec timeout %d stdbuf -oL openssl %s 2>&1"):format(
      fifo, LIFE, words)))
  pipe:setvbuf("no") -- it must not read ahead
  local self = setmetatable({ pid = pipe:read("n", "l"), pipe = pipe }, process)
  self.input, self.output = net.stream(input), net.stream(pipe)
  input:close()
  os.remove(fifo)
  return self
end

-- Reads what it writes up to a line that matches, and gives what that captures.
function process:expect(pattern)
  local seen = {}
  for line in self.output:lines() do
    seen[#seen + 1] = line
    if line:find(pattern) then
      return line:match(pattern)
    end
  end
  error(("openssl never wrote %q, but:\n%s"):format(pattern,
    table.concat(seen, "\n")), 2)
end

-- Kills it, and who ends it else: a group, once timeout has made one.
function process:kill()
  os.execute(("p=%d; kill -s KILL -- -$p 2>&- || kill -s KILL $p 2>&-"):format(
    self.pid))
end

function process:__close()
  self:kill()
  self.input:close()
  self.output:close()
  self.pipe:close()
end

-- Starts `openssl s_server` with these words at a port that it finds itself,
-- which it gives as well.
function openssl.server(words)
  local self = openssl.start("s_server -accept 127.0.0.1:0 " .. words)
  return self, self:expect("^ACCEPT.*:(%d+)$")
end

return openssl
