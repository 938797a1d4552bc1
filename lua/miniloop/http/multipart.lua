---Forms with files in them, as browsers send them (RFC 7578): parts of a body,
---read one after the other as they come, however large they are.
local multipart = {}

local core = require "miniloop.core"

local head_max <const> = 16 * 1024 -- bytes of a part's head
local parts_max <const> = 1000 -- of one form

---One field of a form, or a file. What it holds is read before the next part is
---asked for, or passed over then.
---@class miniloop.http.multipart.part
---@field name string
---@field filename string?  as the client calls it: never a path to be trusted
---@field type string?      the media type, as the client has it
---@field headers table<string, string> by their names in lower case
---@field private reader table
local part = {}
part.__index = part

---The reader of a body: what came and was not given yet is its `buffer`.
local reader = {}
reader.__index = reader

local function fault(reason, code, status)
  local err = core.error(code or "EBADMSG", "form", nil, reason)
  err.status = status or 400
  return nil, err
end

---The boundary that a media type names, or nil.
---@param media_type string?
---@return string?
function multipart.boundary(media_type)
  media_type = media_type or ""
  if media_type:match("^[^;%s]*"):lower() ~= "multipart/form-data" then
    return nil
  end
  for name, value in media_type:gmatch(';%s*([%w_-]+)=("?[^";]*"?)') do
    local boundary = value:match('^"(.*)"$') or value:match("^[^%s]*")
    if name:lower() == "boundary" and boundary ~= "" and #boundary <= 70 then
      return boundary
    end
  end
end

-- ------------------------------------------------------------ what is between

---Adds what comes next to the buffer; nil, err at the end or a fault of it.
local function fill(self)
  local piece, err = self.source()
  if piece then
    self.buffer = self.buffer .. piece
    return true
  elseif err then
    return nil, err
  end
  return fault "the form is cut off"
end

---The bytes in front of the next boundary, some at a time; nil when there are
---none; or nil, err. What may be the beginning of one is held back.
local function next_piece(self)
  while not self.ended do
    local at = self.buffer:find(self.delimiter, 1, true)
    local sure = at and at - 1 or #self.buffer - #self.delimiter + 1
    if sure > 0 then
      local piece = self.buffer:sub(1, sure)
      self.buffer = self.buffer:sub(sure + 1)
      return piece
    elseif at then
      return nil
    end
    local ok, err = fill(self)
    if not ok then
      return nil, err
    end
  end
end

---The text up to `ending`, which is taken, too.
local function take(self, ending, max, what)
  while true do
    local first, last = self.buffer:find(ending, 1, true)
    if first and first <= max then
      local text = self.buffer:sub(1, first - 1)
      self.buffer = self.buffer:sub(last + 1)
      return text
    elseif #self.buffer > max then
      return fault(what .. " is too long")
    end
    local ok, err = fill(self)
    if not ok then
      return nil, err
    end
  end
end

-- ---------------------------------------------------------------------- heads

-- What browsers write for what would end a name, and what others do.
local marks = { ["%22"] = '"', ["%0D"] = "\r", ["%0A"] = "\n" }

local function unquote(text)
  return (text:gsub('\\(["\\])', "%1"):gsub("%%[02][2DA]", marks))
end

---A parameter of Content-Disposition: between quotes, or a word.
local function parameter(field, name)
  local from = select(2, field:lower():find(";%s*" .. name .. "="))
  if not from then
    return nil
  elseif field:sub(from + 1, from + 1) ~= '"' then
    return field:match("^[^%s;]+", from + 1)
  end
  local to = from + 1
  repeat
    to = field:find('["\\]', to + 1)
    local escaped = to and field:find('^\\["\\]', to)
    to = escaped and to + 1 or to
  until not to or field:sub(to, to) == '"' and not escaped
  return to and unquote(field:sub(from + 2, to - 1))
end

---The fields of a head by name, or nil.
local function fields_of(text)
  local fields = {}
  for line in (text .. "\r\n"):gmatch("(.-)\r\n") do
    local name, value = line:match("^([%w!#$%%&'*+.^_`|~-]+):[ \t]*(.-)[ \t]*$")
    if not name and line ~= "" then
      return nil
    elseif name then
      fields[name:lower()] = value
    end
  end
  return fields
end

---The part whose head that is.
local function part_of(self, text)
  local fields = fields_of(text)
  local disposition = fields and fields["content-disposition"] or ""
  local name = disposition:lower():find "^form%-data" and
    parameter(disposition, "name")
  if not name then
    return fault "a part of the form has no name"
  end
  return setmetatable({
    name = name, filename = parameter(disposition, "filename"),
    type = fields["content-type"], headers = fields, reader = self,
  }, part)
end

-- ---------------------------------------------------------------------- parts

---@param source fun(): string?, miniloop.error? the body, piece by piece
---@param boundary string
function multipart.reader(source, boundary)
  return setmetatable({
    source = source, buffer = "\r\n", delimiter = "\r\n--" .. boundary,
    ended = false, count = 0,
  }, reader)
end

---Passes over what is left in front of the next boundary, and takes that. True;
---false if it was the last one; or nil, err.
local function pass_boundary(self)
  local piece, err
  repeat
    piece, err = next_piece(self)
  until not piece
  if err then
    return nil, err
  end
  self.buffer = self.buffer:sub(#self.delimiter + 1)
  while #self.buffer < 2 do
    local ok
    ok, err = fill(self)
    if not ok then
      return nil, err
    end
  end
  self.ended = self.buffer:sub(1, 2) == "--"
  return not self.ended
end

---The next part; nil at the end; or nil, err.
---@return miniloop.http.multipart.part?
---@return miniloop.error? err with a `status`
function reader:next()
  if self.ended then
    return nil
  end
  local goes_on, err = pass_boundary(self)
  if not goes_on then
    return nil, err
  elseif self.count == parts_max then
    return fault("the form has too many parts", "EMSGSIZE", 413)
  end
  self.count = self.count + 1
  local padding, head
  padding, err = take(self, "\r\n", head_max, "a boundary")
  if not padding or padding:find "[^ \t]" then
    return nil, err or select(2, fault "a boundary is malformed")
  end
  self.buffer = "\r\n" .. self.buffer -- for a head may be empty
  head, err = take(self, "\r\n\r\n", head_max, "the head of a part")
  if not head then
    return nil, err
  end
  self.current, err = part_of(self, head:sub(3))
  return self.current, err
end

---The reader, as long as it stands in this part.
local function reader_of(self)
  local own = rawget(self, "reader")
  if own.current ~= self then
    error("the part is over", 3)
  end
  return own
end

---What it holds, piece by piece. Raises what goes wrong.
---@return fun(): string?
function part:chunks()
  return function()
    local piece, err = next_piece(reader_of(self))
    if err then
      error(err, 0)
    end
    return piece
  end
end

---All that it holds, and was not read yet.
---@param limit integer? bytes; 1 MiB unless given
---@return string? body
---@return miniloop.error? err with a `status`
function part:body(limit)
  limit = limit or 1 << 20
  local own, pieces, size = reader_of(self), {}, 0
  local piece, err = next_piece(own)
  while piece do
    size = size + #piece
    if size > limit then
      return fault(("a part is longer than %d bytes"):format(limit),
        "EMSGSIZE", 413)
    end
    pieces[#pieces + 1] = piece
    piece, err = next_piece(own)
  end
  if err then
    return nil, err
  end
  return table.concat(pieces)
end

return multipart
