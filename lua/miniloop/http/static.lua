---Files of a folder, as a handler.
---
---Nothing outside of the folder is reached: names are taken one by one, those
---of hidden files (".git") are not there, and symbolic links are not followed
---unless that is wanted.
local static = {}

local core = require "miniloop.core"
local condition = require "miniloop.http.condition"
local date = require "miniloop.http.date"
local mime = require "miniloop.http.mime"
local misuse = require "miniloop.misuse"
local range = require "miniloop.http.range"
local url = require "miniloop.url"

local http = core.http

---@class miniloop.http.static_options
---@field index string?    the file that stands for a folder; "index.html"
---@field symlinks boolean? symbolic links are followed, also out of the folder
---@field hidden boolean?  names that begin with a dot are served, too
---@field max_age integer? seconds for which clients need not ask again
---@field types table<string, string>? media types by the endings of names

local option_types = {
  index = "string", symlinks = "boolean", hidden = "boolean",
  max_age = "number", types = "table",
}

local whole <const> = 16 * 1024 -- files up to this are read and sent at once
local known_max <const> = 256 -- files whose fields are remembered

-- ----------------------------------------------------------------------- paths

---Whether the names of a path are those of the system's as they stand: none is
---coded, empty, or begins with a dot.
local function is_plain(tail)
  return tail ~= "" and tail:sub(-1) ~= "/" and not tail:find("[%%%z]")
    and not ("/" .. tail):find("/[./]")
end

---The names of a path, decoded, as a path of the system's; nil if there can be
---no such file.
local function file_path(tail, hidden)
  if is_plain(tail) then
    return tail
  end
  local names = {}
  for segment in tail:gmatch("[^/]+") do
    local name = url.decode(segment)
    if not name or name:find("[/%z]") or name == "." or name == ".."
      or not hidden and name:sub(1, 1) == "." then
      return nil
    end
    names[#names + 1] = name
  end
  if tail:find("//", 1, true) then
    return nil
  end
  return table.concat(names, "/")
end

---Opens a file, if that is what is there.
local function open_file(self, path)
  local file = http.open(self.folder, path, self.symlinks)
  if file and file:stat() ~= "file" then
    file:close()
    return nil
  end
  return file
end

local function is_folder(self, path)
  local folder <close> = http.open(self.folder, path, self.symlinks)
  return folder and folder:stat() == "folder"
end

---Opens what a request is for: the file and its name; or nothing, and where a
---folder is. That is relative to what the folder is in: a path may begin with
---"//", which would be another host.
local function find(self, tail)
  local path = file_path(tail, self.hidden)
  if not path then
    return nil
  elseif path == "" or tail:sub(-1) == "/" then
    path = path == "" and self.index or path .. "/" .. self.index
    return open_file(self, path), path
  end
  local file = open_file(self, path)
  if not file and is_folder(self, path) then
    return nil, nil, "./" .. tail:match("[^/]*$") .. "/"
  end
  return file, path
end

-- ---------------------------------------------------------------------- fields

---A tag that changes whenever the file does, by its time to the nanosecond.
local function etag_of(size, seconds, nanoseconds)
  return ('"%x-%x-%x"'):format(seconds, nanoseconds, size)
end

local function media_type(self, path)
  local ending = path:match("%.([^./]+)$")
  return self.types[ending and ending:lower()] or mime.of(path)
end

---What is said of a file: its fields, and when it was changed. A change that
---seems to lie ahead was now (RFC 9110, 8.8.2.1).
local function describe(self, path, size, seconds, nanoseconds)
  local changed = math.min(seconds, os.time())
  return {
    size = size, seconds = seconds, nanoseconds = nanoseconds,
    changed = changed, type = media_type(self, path),
    etag = etag_of(size, seconds, nanoseconds),
    modified = date.format(changed),
  }
end

---The same, which is remembered for as long as the file stays as it is. Clients
---choose the names: so there is room for some only, and then room again.
local function recall(self, file, path)
  local _, size, seconds, nanoseconds = file:stat()
  local about = self.known[path]
  if about and about.size == size and about.seconds == seconds
    and about.nanoseconds == nanoseconds and about.changed == seconds then
    return about
  end
  if not about then
    if self.known_count == known_max then
      self.known, self.known_count = {}, 0
    end
    self.known_count = self.known_count + 1
  end
  about = describe(self, path, size, seconds, nanoseconds)
  self.known[path] = about
  return about
end

local function fields_of(self, about)
  return {
    ["Accept-Ranges"] = "bytes",
    ["Cache-Control"] = self.cache_control,
    ["Content-Type"] = about.type,
    ["ETag"] = about.etag,
    ["Last-Modified"] = about.modified,
  }
end

-- --------------------------------------------------------------------- answers

---Sends bytes of the file as they are, behind what was begun.
local function send_bytes(wire, file, first, count)
  local ok, err = wire:flush()
  local sent = 0
  if ok and not wire:silent() then
    sent, err = wire:stream():sendfile(file, first, count)
  end
  if err then
    error(err, 0)
  end
  wire:sent(sent) -- fewer than were promised end the connection
  return sent == count
end

---Sends bytes of the file as the body of an answer.
local function send(wire, file, status, fields, first, count)
  if count <= whole then
    local bytes, err = file:read(first, count)
    if not bytes then
      error(err, 0)
    end
    return status, bytes, fields
  end
  fields["Content-Length"] = count
  wire:begin(status, fields)
  send_bytes(wire, file, first, count)
end

local function write(wire, text)
  local ok, err = wire:write(text)
  if not ok then
    error(err, 0)
  end
end

---Sends several ranges of the file.
local function send_parts(wire, file, fields, ranges, size)
  local heads, ending, body =
    range.multipart(ranges, size, fields["Content-Type"])
  fields["Content-Type"], fields["Content-Length"] = body.type, body.length
  wire:begin(206, fields)
  for i, one in ipairs(ranges) do
    write(wire, heads[i])
    if not send_bytes(wire, file, one.first, one.last - one.first + 1) then
      return
    end
  end
  write(wire, ending)
end

---The ranges that are asked for, if those are to be answered.
local function asked_ranges(req, fields, size, seconds)
  local headers = req.headers
  if not rawget(headers, "range") or req.method ~= "GET"
    or not condition.range_holds(headers["if-range"], fields.ETag, seconds) then
    return nil
  end
  return range.parse(headers.range, size)
end

local function answer(self, req, file, path)
  local about = recall(self, file, path)
  local fields, size, seconds = fields_of(self, about), about.size,
    about.changed
  local status = condition.check(req.method, req.headers, fields.ETag, seconds)
  if status then
    fields["Content-Type"] = nil
    return status, nil, fields
  end
  local wire = http.wire_of(req)
  local ranges = asked_ranges(req, fields, size, seconds)
  if not ranges then
    return send(wire, file, 200, fields, 0, size)
  elseif #ranges == 0 then
    return 416, nil, { ["Content-Range"] = "bytes */" .. size }
  elseif #ranges > 1 then
    return send_parts(wire, file, fields, ranges, size)
  end
  local one = ranges[1]
  fields["Content-Range"] = range.field(one, size)
  return send(wire, file, 206, fields, one.first, one.last - one.first + 1)
end

local function serve(self, req)
  if req.method ~= "GET" and req.method ~= "HEAD" then
    return 405, nil, { Allow = "GET, HEAD" }
  end
  local file, path, location = find(self, req.tail or req.path:sub(2))
  if location then
    local query = req.querystring
    return 301, nil, { Location = location .. (query and "?" .. query or "") }
  elseif not file then
    return 404
  end
  local _ <close> = file
  return answer(self, req, file, path)
end

---A handler that answers with the files of a folder: with what the "*" of its
---route stands for, or else with the whole path.
---@param folder string
---@param options miniloop.http.static_options?
---@return fun(req: miniloop.http.request): any
function static.new(folder, options)
  misuse.check(folder, 1, "static", "string", 1)
  misuse.options(options, 2, "static", option_types, 1)
  options = options or {}
  local why = http.refusal(options.types)
  if why then
    error(("bad option 'types' of 'static' (%s)"):format(why), 3)
  end
  local root <close>, err = http.open(folder, "", true)
  if not root then
    error(("bad argument #1 to 'static' (there is no folder '%s': %s)"):format(
      folder, err.message), 3)
  end
  local self = {
    folder = folder,
    index = options.index or "index.html",
    symlinks = options.symlinks or false,
    hidden = options.hidden or false,
    cache_control = options.max_age
      and ("max-age=%d"):format(options.max_age),
    types = options.types or {},
    known = {},
    known_count = 0,
  }
  return function(req)
    return serve(self, req)
  end
end

return static
