-- The words of a C file, with the function that each stands in.
--
-- No more of C is understood than mutations need. It relies on the layout that
-- clang-format keeps: a binary operator stands between blanks, a unary one
-- touches its operand.

local lexer = {}

---@class mutate.Token
---@field kind "word"|"number"|"text"|"sign"
---@field text string
---@field from integer        where it begins in the file's text
---@field to integer          its last byte
---@field line integer
---@field func? string        the function whose body it stands in
---@field depth integer       of parentheses and brackets around it
---@field blank_before boolean
---@field blank_after boolean

-- The longest first.
local signs = {
  "...", "<<=", ">>=",
  "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=",
  "*=", "/=", "%=", "&=", "|=", "^=",
}

-- What is no code.
local skipped = { "^%s+", "^//[^\n]*", "^/%*.-%*/" }

local words = {
  { "^[%a_][%w_]*", "word" },
  { "^%d[%w_.]*", "number" },
}

-- The end of a text or character with escapes in it, from its quote on.
local function quoted_end(source, from)
  local quote, at = source:sub(from, from), from + 1
  while source:sub(at, at) ~= quote do
    at = at + (source:sub(at, at) == "\\" and 2 or 1)
    assert(at <= #source, "a quote that nothing closes")
  end
  return at
end

-- The end of a preprocessor's line, with the lines that go on from it.
local function directive_end(source, from)
  local at = source:find("\n", from, true) or #source
  while source:sub(at - 1, at - 1) == "\\" do
    at = source:find("\n", at + 1, true) or #source
  end
  return at
end

local function sign_at(source, at)
  for _, sign in ipairs(signs) do
    if source:sub(at, at + #sign - 1) == sign then
      return sign
    end
  end
  return source:sub(at, at)
end

-- The end of what is no code at this place, or nil.
local function skip(source, at, fresh)
  if fresh and source:sub(at, at) == "#" then
    return directive_end(source, at)
  end
  for _, pattern in ipairs(skipped) do
    local _, to = source:find(pattern, at)
    if to then
      return to
    end
  end
  return nil
end

-- The kind and the end of the word at this place.
local function word_at(source, at)
  for _, rule in ipairs(words) do
    local _, to = source:find(rule[1], at)
    if to then
      return rule[2], to
    end
  end
  if source:find("^[\"']", at) then
    return "text", quoted_end(source, at)
  end
  return "sign", at + #sign_at(source, at) - 1
end

local function split(source)
  local tokens, at, line, fresh = {}, 1, 1, true
  while at <= #source do
    local to = skip(source, at, fresh)
    if not to then
      local kind
      kind, to = word_at(source, at)
      tokens[#tokens + 1] = {
        kind = kind, text = source:sub(at, to), from = at, to = to, line = line,
        blank_before = source:find("^%s", at - 1) ~= nil,
        blank_after = source:find("^%s", to + 1) ~= nil,
      }
    end
    local _, breaks = source:sub(at, to):gsub("\n", "")
    line = line + breaks
    fresh = breaks > 0 or fresh and source:find("^%s", at) ~= nil
    at = to + 1
  end
  return tokens
end

-- The name before the parenthesis that the one at `i` closes, or nil.
local function name_before(tokens, i)
  local depth = 0
  repeat
    local text = tokens[i].text
    depth = depth + (text == ")" and 1 or text == "(" and -1 or 0)
    i = i - 1
  until depth == 0 or i == 0
  return i > 0 and tokens[i].kind == "word" and tokens[i].text or nil
end

local steps = { ["("] = 1, ["["] = 1, [")"] = -1, ["]"] = -1 }

---The tokens of a C file, in order.
---@param source string
---@return mutate.Token[]
function lexer.tokens(source)
  local tokens = split(source)
  local braces, depth, func = 0, 0, nil
  for i, token in ipairs(tokens) do
    local text = token.text
    local step = steps[text] or 0
    depth = depth + math.min(step, 0)
    token.depth = depth
    depth = depth + math.max(step, 0)
    if text == "{" then
      if braces == 0 and i > 1 and tokens[i - 1].text == ")" then
        func = name_before(tokens, i - 1)
      end
      braces = braces + 1
    elseif text == "}" then
      braces = braces - 1
      func = braces > 0 and func or nil
    else
      token.func = func
    end
  end
  return tokens
end

return lexer
