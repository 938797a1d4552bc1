-- A pipe as two Lua files, of which each byte is read and written at once:
-- { reader =, writer = }, to be closed. Either end may be closed before.

local function close(self)
  for _, file in ipairs { self.reader, self.writer } do
    if io.type(file) == "file" then
      file:close()
    end
  end
end

local function pipe()
  local path = os.tmpname()
  assert(os.remove(path))
  assert(os.execute("mkfifo " .. path))
  -- Opening one end waits for the other, unless both are opened as one.
  local _ <close> = assert(io.open(path, "r+"))
  local self = setmetatable({}, { __close = close })
  self.reader = assert(io.open(path, "r"))
  self.writer = assert(io.open(path, "w"))
  assert(os.remove(path))
  self.reader:setvbuf("no")
  self.writer:setvbuf("no")
  return self
end

return pipe
