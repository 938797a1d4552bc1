-- Has testssl.sh look for weaknesses of a server of ours: protocols, ciphers,
-- forward secrecy, preferences, known attacks. Anything that it rates above
-- "low" is a failure. Run by ./dev check tls_scan; takes a minute or two.

package.path = "./?.lua;" .. package.path

local net = require "miniloop.net"
local certificates = require "spec.support.certificates"

local function scan(address, file)
  local command = "$(command -v testssl || command -v testssl.sh) --quiet "
    .. "--color 0 --warnings off -p -s -f -P -U --jsonfile %s %s 2>&1"
  local pipe <close> = assert(io.popen(command:format(file, address)))
  local output <close> = assert(net.stream(pipe))
  return output:read("a")
end

-- Counts of the findings by severity; prints those that matter.
local function weigh(json)
  local counts = {}
  for entry in json:gmatch("%b{}") do
    local severity = entry:match('"severity"%s*:%s*"(.-)"')
    counts[severity] = (counts[severity] or 0) + 1
    if severity == "MEDIUM" or severity == "HIGH" or severity == "CRITICAL" then
      print(entry)
    end
  end
  return counts
end

local server = assert(net.serve("127.0.0.1:0", function(conn)
  repeat
    local line = conn:read("l")
  until not line or line == "\r"
  conn:write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
end, { tls = certificates.of("server") }))

local file = os.tmpname()
os.remove(file)
local report = scan(server:address(), file)
server:stop(0)
local json <close> = io.open(file)
os.remove(file)
local counts = json and weigh(json:read("a")) or {}
local bad = (counts.MEDIUM or 0) + (counts.HIGH or 0) + (counts.CRITICAL or 0)
if not counts.OK then
  print(report)
end
print(("%d findings are ok, %d low, %d worse"):format(counts.OK or 0,
  counts.LOW or 0, bad))
os.exit(counts.OK ~= nil and bad == 0)
