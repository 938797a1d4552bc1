---Whether a case is named by one of the patterns, each of a whole name.
---@param patterns string[]
---@param name string
---@return boolean
return function(patterns, name)
  for _, pattern in ipairs(patterns) do
    if name:find("^" .. pattern .. "$") then
      return true
    end
  end
  return false
end
