-- To-be-closed values that note their closing: the traces that kill and cancel
-- leave in a task.
--
--   local a <close> = closing(log, "a")          adds "a" to the list `log`
--   local b <close> = closing(log, "b", then_do)  and then calls then_do(err)

local function closing(log, name, then_do)
  return setmetatable({}, {
    __close = function(_, err)
      table.insert(log, name)
      if then_do then
        then_do(err)
      end
    end,
  })
end

return closing
