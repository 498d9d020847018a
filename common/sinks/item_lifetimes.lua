-- How long what ranks items stands: before scripts that write it. One rule, so that no sum outlives what it is made of.
-- A fact goes when it is `ttl` seconds old by the events' clock, and by Redis' own. Until then it stands `life` seconds
-- from when all of it was last renewed, as the rankings do at least, and as_of, the newest minute, half as long: while
-- as_of stands, the windows are the sums of facts that stand, however long no newer event comes.
-- `rankings` as in item_facts.lua.
local function item_lifetimes(P, rankings, ttl)
  local kept, life = ttl / 60, math.max(30 * 86400, 2 * ttl)
  local lives = {life = life}
  local function of_minute(minute)
    local ends_hour = minute % 60 == 59
    return {P .. 'f:' .. minute, P .. 'x:' .. minute, ends_hour and P .. 'p:' .. math.floor(minute / 60) or nil}
  end

  -- Seconds that a ranking stands after a write: what is 30 half-lives old counts nothing.
  function lives.ranking(r) return math.max(life, r[3] * 60 * 30) end

  -- Of all: categories stand as long as anything that is ranked by them.
  lives.longest = life
  for _, r in ipairs(rankings) do lives.longest = math.max(lives.longest, lives.ranking(r)) end

  -- Seconds that a fact of a minute stands after a write.
  function lives.fact(minute, as_of) return minute > as_of - kept and life or ttl end

  -- As the newest minute moves on, what is old by the events' clock: `ttl` since it was written, and no more.
  function lives.leave(from, to)
    for minute = from - kept + 1, math.min(from, to - kept) do
      for _, k in ipairs(of_minute(minute)) do
        local left = redis.call('TTL', k)
        if left > 0 then redis.call('EXPIRE', k, math.max(left - life + ttl, 1)) end
      end
    end
  end

  -- Whether anything may stand: categories do as long as anything that is counted by them.
  function lives.any() return redis.call('EXISTS', P .. 'tree') == 1 end

  -- The newest minute of which a fact stands, from this one on.
  function lives.newest(minute)
    local found = minute
    for later = minute + 1, lives.any() and minute + kept or minute do
      if redis.call('EXISTS', P .. 'f:' .. later) == 1 then found = later end
    end
    return found
  end

  -- What each member has in a window ranking by the facts that stand; `parts` reads the contributions of one.
  function lives.window(r, as_of, parts)
    local sums = {}
    for minute = as_of - r[3] + 1, as_of do
      for _, kind in ipairs({'f:', 'x:'}) do
        local fact = redis.call('HGETALL', P .. kind .. minute)
        for n = 1, #fact, 2 do
          local member = string.match(fact[n], '^[^\31]*\31[^\31]*')
          sums[member] = (sums[member] or 0) + (parts(fact[n + 1])[r[4]] or 0)
        end
      end
    end
    for member, sum in pairs(sums) do
      if math.abs(sum) < 1e-9 then sums[member] = nil end
    end
    return sums
  end

  -- Notes the newest minute; where that has half of its time left, all is renewed. `scopes` of the rankings.
  function lives.note(as_of, scopes)
    local k = P .. 'as_of'
    if redis.call('TTL', k) >= life / 4 then return redis.call('SET', k, as_of, 'KEEPTTL') end
    redis.call('SET', k, as_of, 'EX', math.floor(life / 2))
    if not lives.any() then return end
    for minute = as_of - kept + 1, as_of + 59 do -- the hour that is going on ends later
      for _, fact in ipairs(of_minute(minute)) do redis.call('EXPIRE', fact, life - (as_of - minute) * 60) end
    end
    for _, scope in ipairs(scopes()) do
      for _, r in ipairs(rankings) do redis.call('EXPIRE', P .. 'r:' .. r[1] .. ':' .. scope, lives.ranking(r)) end
    end
    redis.call('EXPIRE', P .. 'tree', lives.longest)
  end
  return lives
end
