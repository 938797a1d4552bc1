-- The changes that can be made to a C file, one at a time: what a person gets
-- wrong. Each is a piece of the text and what stands there instead.

local lexer = require "spec.mutate.lexer"

local operators = {}

---@class mutate.Change
---@field kind string         which operator made it
---@field from integer        the piece of the file's text that goes
---@field to integer
---@field text string         what comes instead
---@field line integer
---@field func string

-- What goes for what, where the sign is one of two operands.
local binary = {
  ["<"] = "<=", ["<="] = "<", [">"] = ">=", [">="] = ">",
  ["=="] = "!=", ["!="] = "==",
  ["&&"] = "||", ["||"] = "&&",
  ["+"] = "-", ["-"] = "+", ["*"] = "/", ["/"] = "*", ["%"] = "*",
  ["&"] = "|", ["|"] = "&", ["<<"] = ">>", [">>"] = "<<",
  ["+="] = "-=", ["-="] = "+=", ["|="] = "&=", ["&="] = "|=",
}

local comparison = {
  ["<"] = true, ["<="] = true, [">"] = true, [">="] = true, ["=="] = true,
  ["!="] = true,
}

local step = { ["++"] = "--", ["--"] = "++" }

-- No statement of its own begins with one of these, or it is no expression.
local keywords = {}
for word in ([[return if else for while do switch case default break continue
  goto struct enum union const static unsigned int char bool void long short
  size_t ssize_t extern sizeof assert]]):gmatch("%S+") do
  keywords[word] = true
end

-- ------------------------------------------------------------- the context

local function text_at(tokens, i)
  return tokens[i] and tokens[i].text or ""
end

-- The index of what closes the parenthesis at `i`.
local function closing(tokens, i)
  local depth = tokens[i].depth
  repeat
    i = i + 1
  until tokens[i].text == ")" and tokens[i].depth == depth
  return i
end

-- The index of the semicolon that ends the statement at `i`, or nil for one
-- with a block in it.
local function statement_end(tokens, i)
  local depth = tokens[i].depth
  while text_at(tokens, i) ~= ";" or tokens[i].depth > depth do
    if not tokens[i] or text_at(tokens, i):find("^[{}]$") then
      return nil
    end
    i = i + 1
  end
  return i
end

-- True if the parenthesis at `i` closes what `if (` and its like have opened.
local function closes_head(tokens, i)
  local depth = tokens[i].depth
  repeat
    i = i - 1
  until tokens[i].text == "(" and tokens[i].depth == depth
  local head = text_at(tokens, i - 1)
  return head == "if" or head == "while" or head == "for"
    or head == "ml_list_each"
end

local function begins_statement(tokens, i)
  local before = text_at(tokens, i - 1)
  return before == ";" or before == "{" or before == "}" or before == "else"
    or before == ":" and text_at(tokens, i - 2) == "default"
    or before == ")" and closes_head(tokens, i - 1)
end

-- ----------------------------------------------------------- the operators

-- Each is called with the tokens, an index, and a function that takes a change:
-- add(kind, first token, last token, text).

local function swap_binary(tokens, i, add)
  local token = tokens[i]
  local other = token.kind == "sign" and binary[token.text]
  if other and token.blank_before and token.blank_after then
    add(comparison[token.text] and "comparison" or "operator", i, i, other)
  end
end

local function swap_step(tokens, i, add)
  local other = step[tokens[i].text]
  if other then
    add("step", i, i, other)
  end
end

local function drop_not(tokens, i, add)
  local token = tokens[i]
  if (token.text == "!" or token.text == "~") and not token.blank_after then
    add("negation", i, i, "")
  end
end

local function force_condition(tokens, i, add)
  local word = tokens[i].text
  if (word == "if" or word == "while") and text_at(tokens, i + 1) == "(" then
    local last = closing(tokens, i + 1)
    add("condition", last, last, " && 0)")
    if word == "if" then
      add("condition", last, last, " || 1)")
    end
  elseif word == "?" then
    add("condition", i, i, "&& 0 ?")
    add("condition", i, i, "|| 1 ?")
  end
end

local function change_number(tokens, i, add)
  local token = tokens[i]
  local digits, suffix = token.text:match("^(%d+)([uUlL]*)$")
  if token.kind == "number" and digits then
    local n = math.tointeger(digits)
    add("constant", i, i, (n == 1 and 0 or n + 1) .. suffix)
  elseif token.text == "true" or token.text == "false" then
    add("constant", i, i, token.text == "true" and "false" or "true")
  end
end

local function change_errno(tokens, i, add)
  local text = tokens[i].text
  if text:find("^E[A-Z0-9]+$") and text ~= "EOF" then
    add("errno", i, i, text == "EBADF" and "EPERM" or "EBADF")
  end
end

-- `next_of` leads from each name of an enum to the one after it.
local function change_name(tokens, i, add, next_of)
  local other = next_of[tokens[i].text]
  if other then
    add("constant", i, i, other)
  end
end

local function is_jump(tokens, i)
  local text = tokens[i].text
  return text == "break" or text == "continue"
    or text == "return" and text_at(tokens, i + 1) == ";"
end

-- A call, or an assignment: no declaration, with a second word or `*name` after
-- the first.
local function is_expression(tokens, i)
  local token, after = tokens[i], tokens[i + 1]
  if token.kind ~= "word" then
    return token.text:find("^[(*]$") or step[token.text]
  end
  local pointer = after and after.text == "*" and not after.blank_after
  return not keywords[token.text] and after and after.kind ~= "word"
    and not pointer
end

-- A call, an assignment, or a jump out of a loop.
local function drop_statement(tokens, i, add)
  local token = tokens[i]
  if token.depth > 0 or not begins_statement(tokens, i)
    or not (is_jump(tokens, i) or is_expression(tokens, i)) then
    return
  end
  local last = statement_end(tokens, i)
  -- `(void)name;` does nothing.
  if last and not (token.text == "(" and last == i + 4) then
    add("statement", i, last, ";")
  end
end

local function change_return(tokens, i, add)
  local value = text_at(tokens, i + 1)
  if text_at(tokens, i) ~= "return" or value == ";" then
    return
  end
  local last = statement_end(tokens, i)
  local plain = last == i + 2
    and (value == "0" or value == "false" or value == "NULL")
  if last and not plain then
    add("return", i + 1, last - 1, "0")
  end
end

local all = {
  swap_binary, swap_step, drop_not, force_condition, change_number,
  change_errno, change_name, drop_statement, change_return,
}

-- ------------------------------------------------------------- the changes

-- The index of the last token of an assertion that begins at `i`, else nil: a
-- weaker assertion is no fault of what it asserts.
local function assertion_end(tokens, i)
  return tokens[i].text == "assert" and text_at(tokens, i + 1) == "("
    and closing(tokens, i + 1) or nil
end

---All changes to a file that could be made, in the order of the text.
---@param source string
---@param next_of table<string, string>  see operators.enums
---@return mutate.Change[]
function operators.changes(source, next_of)
  local tokens, changes, i = lexer.tokens(source), {}, 1
  local function add(kind, first, last, text)
    -- The lines after it keep their numbers.
    local _, breaks =
      source:sub(tokens[first].from, tokens[last].to):gsub("\n", "")
    changes[#changes + 1] = {
      kind = kind, from = tokens[first].from, to = tokens[last].to,
      text = text .. ("\n"):rep(breaks), line = tokens[first].line,
      func = tokens[first].func,
    }
  end
  while tokens[i] do
    local skipped = tokens[i].func and assertion_end(tokens, i)
    if tokens[i].func and not skipped then
      for _, operator in ipairs(all) do
        operator(tokens, i, add, next_of)
      end
    end
    i = (skipped or i) + 1
  end
  return changes
end

---Adds to `next_of`, for each name of the enums in a C text, the one after it:
---after the last comes the first.
---@param source string
---@param next_of table<string, string>
function operators.enums(source, next_of)
  source = source:gsub("/%*.-%*/", "")
  for body in source:gmatch("%f[%w]enum%s*[%w_]*%s*(%b{})") do
    local names = {}
    for name in body:gmatch("[{,]%s*([%a_][%w_]*)") do
      names[#names + 1] = name
    end
    for i, name in ipairs(names) do
      next_of[name] = #names > 1 and names[i % #names + 1] or nil
    end
  end
end

return operators
