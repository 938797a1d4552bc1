---The body of a request: what it is made of, and how it is sent.

local json = require "miniloop.json"
local multipart = require "miniloop.http.client.multipart"
local url = require "miniloop.url"

local body = {}

---@class miniloop.http.body
---@field text string?      all of it
---@field source function?  or what gives its pieces, once
---@field type string?      the media type that goes without saying

---What reads the pieces of a file or a stream; nil for what is neither.
local function reader_of(value)
  if type(value) == "userdata" or type(value) == "table" then
    local get = value.recv or value.read
    return get and function()
      return get(value, 65536)
    end
  end
end

local makers = {}

function makers.body(value)
  if type(value) == "string" then
    return { text = value }
  elseif type(value) == "function" then
    return { source = value }
  end
  local source = reader_of(value)
  return source and { source = source }, "a string, a function or a stream"
end

function makers.json(value)
  local text, err = json.encode(value)
  if not text then
    return err
  end
  return { text = text, type = "application/json" }
end

function makers.form(value)
  if type(value) ~= "table" then
    return nil, "a table"
  end
  return {
    text = url.encode_query(value), type = "application/x-www-form-urlencoded",
  }
end

function makers.multipart(value)
  if type(value) ~= "table" then
    return nil, "a list of parts"
  end
  local text, kind = multipart(value)
  return { text = text, type = kind }
end

---Calls a maker; what it raises is misuse, which the caller's line is told for.
local function try(make, value)
  local ok, made, expected = pcall(make, value)
  if ok then
    return made, expected and expected .. " expected"
  end
  return nil, (tostring(made):gsub("^miniloop/[%w/]+%.lua:%d+: ", ""))
end

---The body that the options of a request say.
---@param options table
---@return miniloop.http.body?|miniloop.error made nil: there is none
---@return string? misuse what is wrong with the options
function body.make(options)
  local made, from
  for _, name in ipairs { "body", "form", "json", "multipart" } do
    if options[name] ~= nil then
      if made then
        return nil, ("the options '%s' and '%s' exclude each other")
          :format(from, name)
      end
      local wrong
      made, wrong = try(makers[name], options[name])
      if not made then
        return nil, ("bad option '%s' (%s)"):format(name, wrong)
      end
      from = name
    end
  end
  return made
end

---The next piece of a source; nil at its end. Raises what the source raises,
---and for what is no piece.
local function next_piece(source)
  local piece, err = source()
  if piece == nil and err ~= nil then
    error(err, 0)
  elseif piece ~= nil and type(piece) ~= "string" then
    error(("a body's source gave a %s, not a string"):format(type(piece)), 0)
  end
  return piece
end

---Sends the pieces as chunks.
local function send_chunks(conn, source)
  local piece = next_piece(source)
  while piece do
    if piece ~= "" then
      local ok, err = conn:write(("%x\r\n"):format(#piece), piece, "\r\n")
      if not ok then
        return nil, err
      end
    end
    piece = next_piece(source)
  end
  return conn:write("0\r\n\r\n")
end

---Sends the pieces, which are to be so many bytes together.
local function send_counted(conn, source, length)
  local left = length
  local piece = next_piece(source)
  while piece do
    left = left - #piece
    if left < 0 then
      error("the body is longer than its Content-Length", 0)
    end
    local ok, err = conn:write(piece)
    if not ok then
      return nil, err
    end
    piece = next_piece(source)
  end
  if left > 0 then
    error("the body is shorter than its Content-Length", 0)
  end
  return true
end

---Sends a body.
---@param conn miniloop.net.stream
---@param made miniloop.http.body
---@param length integer? of a source, if it is known
---@return true? ok
---@return miniloop.error? err
function body.send(conn, made, length)
  if made.text then
    return conn:write(made.text)
  elseif length then
    return send_counted(conn, made.source, length)
  end
  return send_chunks(conn, made.source)
end

return body
