-- Elements of an SVG image, as text.

local svg = {}

---What each kind of contestant is drawn in, and the rest.
svg.colours = {
  ours = "#c0392b", limit = "#222222", peer = "#2c6fbb", grid = "#dddddd",
  text = "#222222", quiet = "#666666",
}

---How wide a letter is, about.
svg.char_width = 6.2

local function escape(text)
  return (text:gsub("[&<>\"]", {
    ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;",
  }))
end

---@param x number
---@param y number       of its base line
---@param colour string
---@param text string
---@param more string?   further attributes
---@return string
function svg.text(x, y, colour, text, more)
  return ('<text x="%.1f" y="%.1f" fill="%s"%s>%s</text>')
    :format(x, y, colour, more and " " .. more or "", escape(text))
end

---A heading.
function svg.bold(x, y, text)
  return svg.text(x, y, svg.colours.text, text, 'font-weight="bold"')
end

---A text around x, which keeps off what it stands on.
function svg.label(x, y, colour, text)
  return svg.text(x, y, colour, text, 'text-anchor="middle"'
    .. ' stroke="#ffffff" stroke-width="3" paint-order="stroke"')
end

---@param from number[]  x and y
---@param to number[]
---@param colour string
---@return string
function svg.line(from, to, colour)
  return ('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>')
    :format(from[1], from[2], to[1], to[2], colour)
end

---The limit is a ring, the others are discs.
function svg.dot(x, y, kind)
  local colour = svg.colours[kind]
  return ('<circle cx="%.1f" cy="%.1f" r="4" fill="%s" stroke="%s"'
    .. ' stroke-width="2"/>')
    :format(x, y, kind == "limit" and "#ffffff" or colour, colour)
end

---The image, of elements.
---@param width number
---@param height number
---@param elements string[]
---@return string
function svg.image(width, height, elements)
  return table.concat({
    ('<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f"'
      .. ' font-family="sans-serif" font-size="11">'):format(width, height),
    ('<rect width="%.0f" height="%.0f" fill="#ffffff"/>')
      :format(width, height),
    table.concat(elements, "\n"), "</svg>\n",
  }, "\n")
end

return svg
