-- The scenarios of trio_scenarios.py: the same log is expected of both. Each is
-- run in a child, on a clock of its own that begins at 0.
local ml = require "miniloop"

local scenarios, start = {}, 0

local function log(...)
  print(table.concat({ ... }, " ") .. " at "
    .. math.floor(ml.now() - start + 0.5))
end

local function finally(f)
  return setmetatable({}, { __close = f })
end

function scenarios.nested()
  ml.timeout(10, function()
    ml.timeout(1, ml.sleep, 60)
    log "the inner block was cut"
    ml.sleep(1)
    log "the outer one goes on"
  end)
end

function scenarios.outer_first()
  ml.timeout(1, function()
    ml.timeout(10, ml.sleep, 60)
    log "never"
  end)
  log "the outer block was cut"
end

function scenarios.shield()
  ml.timeout(1, function()
    ml.shield(function()
      ml.sleep(3)
      log "shielded"
    end)
    ml.sleep(1)
    log "never"
  end)
  log "cut behind the shield"
end

function scenarios.timeout_in_shield()
  ml.shield(function()
    ml.timeout(1, ml.sleep, 60)
    log "a shield does not hold off what is inside"
  end)
end

function scenarios.clean_up()
  ml.timeout(1, ml.group, function(g)
    g:spawn(function()
      local _ <close> = finally(function()
        ml.sleep(2)
        log "cleaned up"
      end)
      ml.sleep(60)
    end)
  end)
  log "the block ended after its member"
end

function scenarios.failure()
  local _, err = pcall(ml.group, function(g)
    g:spawn(function()
      ml.sleep(1)
      error("broken", 0)
    end)
    g:spawn(function()
      local ok, told = pcall(ml.sleep, 60)
      log "the sibling was cancelled"
      return ok or error(told, 0)
    end)
    ml.sleep(60)
  end)
  log("the block raised", err)
end

function scenarios.cancelled_by_a_member()
  ml.group(function(g)
    g:spawn(function()
      ml.sleep(1)
      g:cancel()
    end)
    ml.sleep(60)
    log "never"
  end)
  log "the block was cancelled"
end

function scenarios.waiting_for_a_cancelled_one()
  ml.group(function(g)
    local victim = g:spawn(ml.sleep, 60)
    g:spawn(function()
      victim:wait()
      log "who waited goes on"
    end)
    ml.sleep(1)
    victim:cancel()
  end)
end

function scenarios.race_with_completion()
  local ready = ml.event()
  ml.group(function(g)
    local member = g:spawn(function()
      local _ <close> = finally(function()
        log "then it was cancelled"
      end)
      ready:wait()
      log "the answer was made first"
      ml.sleep(1)
      log "never"
    end)
    ml.sleep(1)
    ready:set()
    member:cancel()
  end)
end

function scenarios.grandchildren()
  local function leaf()
    local _ <close> = finally(function()
      log "a leaf was closed"
    end)
    ml.sleep(60)
  end
  local function branch()
    ml.group(function(g)
      g:spawn(leaf)
      g:spawn(leaf)
    end)
  end
  ml.timeout(1, ml.group, function(g)
    g:spawn(branch)
    g:spawn(branch)
  end)
  log "all of them are gone"
end

function scenarios.caught()
  local _, err = ml.timeout(1, function()
    local _, told = pcall(ml.sleep, 60)
    log "caught"
    error(told, 0)
  end)
  log("cut", err.code == "ETIMEDOUT" and "True" or "False")
end

for _, name in ipairs {
  "nested", "outer_first", "shield", "timeout_in_shield", "clean_up", "failure",
  "cancelled_by_a_member", "waiting_for_a_cancelled_one",
  "race_with_completion", "grandchildren", "caught",
} do
  print(name)
  start = ml.now()
  scenarios[name]()
end
