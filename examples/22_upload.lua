-- Takes files of any size and keeps them on the disk, piece by piece: who sends
-- faster than the disk writes has to wait, and the memory stays as it is.
--
--   ./dev run examples/22_upload.lua [FOLDER [ADDRESS]]
--   curl -T film.mp4 localhost:8000/files/film.mp4

local http = require "miniloop.http"

local folder = arg[1] or "."

local function upload(req)
  local name = req.params.name
  if not name:find("^[%w_-][%w._-]*$") then
    return 400, "what a name!\n"
  end
  -- Under another name until all of it is there: a half is never found.
  local path = folder .. "/" .. name
  local file <close> = assert(io.open(path .. ".part", "w"))
  local size = 0
  for piece in req:chunks(8 << 30) do
    assert(file:write(piece))
    size = size + #piece
  end
  assert(file:close())
  assert(os.rename(path .. ".part", path))
  return 201, ("%s: %d bytes\n"):format(name, size)
end

local server = assert(http.serve(arg[2] or "127.0.0.1:8000", {
  ["PUT /files/{name}"] = upload,
  ["GET /files/*"] = http.static(folder),
}))
print("listening on " .. server:address())
