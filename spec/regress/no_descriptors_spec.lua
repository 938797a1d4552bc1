-- When descriptors had run out, a name was said not to exist, and a library not
-- to be installed: that is what getaddrinfo and dlopen say then.

local child = require "spec.support.child"
local lu = require "luaunit"

local spec = {}

-- C7.5
function spec.test_who_lacks_a_descriptor_is_told_so_and_goes_on_later()
  local result = child.run(function()
    local net, json = require "miniloop.net", require "miniloop.json"
    local gzip, tls = require "miniloop.gzip", require "miniloop.tls"
    local function ask()
      local calls = {
        { net.resolve, "localhost" }, { json.decode, "[]" },
        { gzip.compress, "" }, { tls.available },
      }
      for _, call in ipairs(calls) do
        local answer, err = call[1](call[2])
        print(answer ~= nil or err.code)
      end
    end
    local files = {}
    repeat
      local file = io.open("/dev/null")
      table.insert(files, file)
    until not file
    ask()
    for _, file in ipairs(files) do
      file:close()
    end
    ask()
  end, { shell = "ulimit -n 24" })
  lu.assertEquals(result.err, "")
  lu.assertEquals(result.out, ("EMFILE\n"):rep(4) .. ("true\n"):rep(4))
end

return spec
