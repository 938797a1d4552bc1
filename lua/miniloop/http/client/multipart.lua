---Forms with files in them (RFC 7578), as browsers send them.

local mime = require "miniloop.http.mime"

---@class miniloop.http.part
---@field name string
---@field data string
---@field filename string? then the part is a file
---@field type string?     its media type, else by the file's name

-- What would end a name, as browsers write it.
local marks = { ['"'] = "%22", ["\r"] = "%0D", ["\n"] = "%0A" }

local function quote(text)
  return '"' .. text:gsub('["\r\n]', marks) .. '"'
end

local function check_part(part, i)
  if type(part) ~= "table" or type(part.name) ~= "string"
    or type(part.data) ~= "string" then
    error(("part %d needs a name and data"):format(i), 0)
  elseif part.type and part.type:find("%c") then
    error(("the type of part %d has control characters"):format(i), 0)
  end
end

local function part_text(part)
  local head = "Content-Disposition: form-data; name=" .. quote(part.name)
  local kind = part.type
  if part.filename then
    head = head .. "; filename=" .. quote(part.filename)
    kind = kind or mime.of(part.filename)
  end
  if kind then
    head = head .. "\r\nContent-Type: " .. kind
  end
  return head .. "\r\n\r\n" .. part.data .. "\r\n"
end

---A line that none of the texts has in it.
local function boundary_for(texts)
  local boundary, found
  repeat
    boundary = ("----miniloop%016x%016x"):format(math.random(0),
      math.random(0))
    found = false
    for _, text in ipairs(texts) do
      found = found or text:find(boundary, 1, true) ~= nil
    end
  until not found
  return boundary
end

---The body of a form, and its media type.
---@param parts miniloop.http.part[]
---@return string text
---@return string type
return function(parts)
  local texts = {}
  for i, part in ipairs(parts) do
    check_part(part, i)
    texts[i] = part_text(part)
  end
  local boundary = boundary_for(texts)
  local line = "--" .. boundary
  local text = texts[1] and line .. "\r\n"
    .. table.concat(texts, line .. "\r\n") or ""
  return text .. line .. "--\r\n",
    "multipart/form-data; boundary=" .. boundary
end
