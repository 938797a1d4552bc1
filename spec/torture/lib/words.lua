-- What the commands of ./dev torture are told: a word that nobody understands
-- ends them, for it would change silently what a figure stands for.

local words = {}

---Ends the process with status 2.
---@param text string what is wrong
---@param usage string?
function words.refuse(text, usage)
  io.stderr:write(text, "\n", usage and usage .. "\n" or "")
  os.exit(2)
end

local readers = {
  flag = function(text)
    return text == "" or nil
  end,
  number = function(text)
    local n = math.tointeger(tonumber(text))
    return n and n > 0 and n or nil
  end,
  text = function(text)
    return text ~= "" and text or nil
  end,
}

local function read_value(kinds, text)
  for kind in kinds:gmatch("%a+") do
    local value = readers[kind](text)
    if value then
      return value
    end
  end
end

---Takes options, "--NAME" or "--NAME=VALUE" ("-N" where it is a letter), out
---of the words of a command. Ends the process, with status 2, if one is not
---known or its value is of another kind, and if there is "--help".
---@param list string[]
---@param kinds table<string, string> of each option by its name: "flag",
---  "number" (whole, above 0) or "text", or several with "|" between
---@param usage string
---@return table<string, any> options those that were given, by name
---@return string[] rest the other words
function words.options(list, kinds, usage)
  local options, rest = {}, {}
  for _, word in ipairs(list) do
    local name, value = word:match("^%-%-?([%a-]+)=?(.*)$")
    if not name then
      rest[#rest + 1] = word
    elseif name == "help" then
      words.refuse(usage)
    elseif not kinds[name] then
      words.refuse("there is no option " .. word, usage)
    else
      options[name] = read_value(kinds[name], value)
        or words.refuse("this option has no such value: " .. word, usage)
    end
  end
  return options, rest
end

---A whole number above 0, or the default if there is no text; else ends the
---process with status 2.
---@param text string?
---@param name string what it stands for
---@param default integer? there is one, or there is a text
---@return integer
function words.count(text, name, default)
  return not text and default or readers.number(text)
    or words.refuse(("%s is a whole number above 0, and not %q"):format(name,
      text))
end

return words
