-- Upserts item facts of single minutes and keeps the rankings right by the difference.
-- Writing the same rows again changes nothing: the difference is zero.
-- KEYS[1]  <prefix>{item}:as_of   (all keys share its hash slot)
-- ARGV     1 prefix up to and with '{item}:'   2 source: 's' stream, 'b' batch, 'r' restore (from T on adds only what is absent)   3 seconds facts live
--          4 newest minute of the caller's rows  5 rankings: [[name, kind, minutes, n], …]
--          6 rows: [[minute, category, item, 'c1,c2,…|values'], …]; ranking n counts by cn; '' where nothing is left
--          7 cap: [most of a kind an hour, [weights of the kinds for c1, …]]
--          8 often: [[minute, member, user, [count of each kind]], …], what one person did more than once; [] likewise
-- Numbers go to Redis as Lua passes them, with 17 digits: nothing is lost.
local P, source, ttl, newest = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local rankings, rows = cjson.decode(ARGV[5]), cjson.decode(ARGV[6])
local cap, often = cjson.decode(ARGV[7]), cjson.decode(ARGV[8])
local lives = item_lifetimes(P, rankings, ttl)
local lifetime, touched, emptied = lives.ranking, {}, {}
local most = 3000  -- members a command: two arguments each, and Lua passes some 8,000 at most

local function key(r, scope) return P .. 'r:' .. r[1] .. ':' .. scope end
local function scopes()
  local all = redis.call('ZRANGE', P .. 'tree', 0, -1)
  all[#all + 1] = '*'
  return all
end
local function add(k, member, by, life)
  redis.call('ZINCRBY', k, by, member)
  touched[k] = life
end
local function keep(hash, field, value)
  if value then redis.call('HSET', hash, field, value) else redis.call('HDEL', hash, field) end
end
local function parts(value)
  local c = {}
  for n in string.gmatch(string.match(value, '^[^|]*'), '[^,]+') do c[#c + 1] = tonumber(n) end
  return c
end

local function evict_minute(r, minute)
  for _, hash in ipairs({'f:', 'x:'}) do
    local fact = redis.call('HGETALL', P .. hash .. minute)
    for n = 1, #fact, 2 do
      local c = parts(fact[n + 1])[r[4]]
      if c and c ~= 0 then
        local member = string.match(fact[n], '^[^\31]*\31[^\31]*')
        for _, scope in ipairs({'*', string.match(member, '^([^\31]*)\31')}) do
          local k = key(r, scope)
          add(k, member, -c, lifetime(r))
          emptied[k] = true
        end
      end
    end
  end
end

local function advance(from, to)
  for _, r in ipairs(rankings) do
    if r[2] == 'window' then
      if to - from >= r[3] then
        for _, scope in ipairs(scopes()) do redis.call('DEL', key(r, scope)) end
      else
        for minute = from - r[3] + 1, to - r[3] do evict_minute(r, minute) end
      end
    end
  end
  lives.leave(from, to)
end

-- Forward decay: a contribution counts 2^((minute - landmark) / half-life). Before that outgrows a double
-- the landmark moves on by whole half-lives, which is exact; what has decayed to nothing is dropped.
local function landmark(r, as_of)
  local k = P .. 'lm:' .. r[1]
  local lm = tonumber(redis.call('GET', k) or nil)
  if lm == nil then lm = as_of end
  local halves = math.floor((as_of - lm) / r[3])
  if halves > 200 then
    for _, scope in ipairs(scopes()) do
      local z = key(r, scope)
      if redis.call('EXISTS', z) == 1 then
        redis.call('ZUNIONSTORE', z, 1, z, 'WEIGHTS', 2 ^ -halves)
        redis.call('ZREMRANGEBYSCORE', z, '-1e-15', '1e-15')
        touched[z] = lifetime(r)
      end
    end
    lm = lm + halves * r[3]
  end
  redis.call('SET', k, lm, 'EX', lifetime(r))
  return lm
end

local as_of = tonumber(redis.call('GET', P .. 'as_of') or nil)
local lost = as_of == nil
if lost then
  as_of = lives.newest(newest)
elseif newest > as_of then
  advance(as_of, newest)
  as_of = newest
end
lives.note(as_of, scopes)
local horizon = tonumber(redis.call('GET', P .. 'horizon') or nil) or -1
local marks = {}
for i, r in ipairs(rankings) do
  if r[2] == 'decay' then marks[i] = landmark(r, as_of) end
end

-- What each member gains in each ranking, summed over the rows before Redis is asked: popular members come many
-- times in a call.
local gains, category_of, categories, changed = {}, {}, {}, 0
for i in ipairs(rankings) do gains[i] = {} end

-- Without as_of nobody knows what the windows hold: they are made anew of the facts that stand.
for i, r in ipairs(lost and lives.any() and rankings or {}) do
  if r[2] == 'window' then
    for _, scope in ipairs(scopes()) do redis.call('DEL', key(r, scope)) end
    for member, by in pairs(lives.window(r, as_of, parts)) do
      local category = string.match(member, '^([^\31]*)\31')
      gains[i][member], category_of[member], categories[category] = by, category, true
    end
  end
end

-- By what a contribution of this minute counts in the ranking; nil or 0 where it does not.
local function factor(i, r, minute)
  if r[2] == 'window' then return minute > as_of - r[3] and minute <= as_of and 1 or nil end
  return minute >= horizon and 2 ^ ((minute - marks[i]) / r[3]) or nil
end

local function gain(member, minute, now, before)
  for i, r in ipairs(rankings) do
    local d = (now[r[4]] or 0) - (before and before[r[4]] or 0)
    local f = d ~= 0 and factor(i, r, minute)
    if f and f ~= 0 then gains[i][member] = (gains[i][member] or 0) + d * f end
  end
end

local function upsert(minute, members, values, first, last)
  local fact = P .. 'f:' .. minute
  local stored, known, put, gone = redis.call('HMGET', fact, unpack(members, first, last)), false, {}, {}
  for n = first, last do
    local member, old, value = members[n], stored[n - first + 1], values[n]
    known = known or old
    if (old or '') ~= value and not (old and source == 'r' and minute >= horizon) then
      changed = changed + 1
      if value == '' then
        gone[#gone + 1] = member
      else
        put[#put + 1], put[#put + 2] = member, value
      end
      gain(member, minute, parts(value), old and parts(old))
      local category = string.match(member, '^([^\31]*)\31')
      category_of[member], categories[category] = category, true
    end
  end
  if #put > 0 then
    redis.call('HSET', fact, unpack(put))
    -- new, or soon counted as old as it is
    if not known then redis.call('EXPIRE', fact, lives.fact(minute, as_of)) end
  end
  if #gone > 0 then redis.call('HDEL', fact, unpack(gone)) end -- last: an emptied hash loses its lifetime
end

-- What is over the cap in each minute of an hour, as negative contributions; `counts` is minute → count of each kind.
local function over(counts)
  local order, left, found = {}, {}, {}
  for minute in pairs(counts) do order[#order + 1] = minute end
  table.sort(order, function(a, b) return tonumber(a) < tonumber(b) end)
  for _, minute in ipairs(order) do
    local c = {}
    for w in ipairs(cap[2]) do c[w] = 0 end
    for kind, n in ipairs(counts[minute]) do
      local counted = math.min(n, left[kind] or cap[1])
      left[kind] = (left[kind] or cap[1]) - counted
      for w, weights in ipairs(cap[2]) do c[w] = c[w] - weights[kind] * (n - counted) end
    end
    found[minute] = c
  end
  return found
end

-- Notes what one person did with an item in a minute and takes off the rankings what is too much in the hour.
local function limit(minute, member, user, counts)
  local hour, field, at = P .. 'p:' .. math.floor(minute / 60), member .. '\31' .. user, tostring(minute)
  local stored = redis.call('HGET', hour, field)
  local known = stored and cjson.decode(stored) or {}
  if known[at] and source == 'r' and minute >= horizon then return end  -- as with the item's fact
  local before = over(known)
  known[at] = #counts > 0 and counts or nil
  keep(hour, field, next(known) and cjson.encode(known))
  touched[hour] = lives.fact(math.floor(minute / 60) * 60 + 59, as_of)
  local category, after = string.match(member, '^([^\31]*)\31'), over(known)
  if before[at] and not after[at] then after[at] = over({[at] = {}})[at] end
  for m, c in pairs(after) do
    local text, old, least = table.concat(c, ','), table.concat(before[m] or {}, ','), math.min(unpack(c))
    if text ~= old and (old ~= '' or least < 0) then
      local taken = P .. 'x:' .. m
      keep(taken, field, least < 0 and text .. '|')
      touched[taken] = lives.fact(tonumber(m), as_of)
      gain(member, tonumber(m), c, before[m])
      category_of[member], categories[category] = category, true
      changed = changed + 1
    end
  end
end

local minutes, oldest = {}, math.huge
for _, row in ipairs(rows) do
  local minute = row[1]
  if source ~= 's' or minute >= horizon then
    local of = minutes[minute]
    if not of then of = {{}, {}, {}} minutes[minute] = of end
    local member = row[2] .. '\31' .. row[3]
    local n = of[3][member] or #of[1] + 1  -- a row that comes twice in a call: the later one stands
    of[1][n], of[2][n], of[3][member] = member, row[4], n
    oldest = math.min(oldest, minute)
  end
end
for minute, of in pairs(minutes) do
  local members, values = of[1], of[2]
  for first = 1, #members, most do upsert(minute, members, values, first, math.min(first + most - 1, #members)) end
end
for _, row in ipairs(often) do
  if source ~= 's' or row[1] >= horizon then
    limit(unpack(row))
    oldest = math.min(oldest, row[1])
  end
end
-- Each merge that is under way learns which minutes changed meanwhile.
local lows = redis.call('HGETALL', P .. 'lows')
for n = 1, #lows, 2 do
  if oldest < tonumber(lows[n + 1]) then redis.call('HSET', P .. 'lows', lows[n], oldest) end
end

-- One ZINCRBY a member: reading the scores by ZMSCORE and putting the sums by ZADD was measured no faster.
for i, r in ipairs(rankings) do
  local all, prefix, life = key(r, '*'), key(r, ''), lifetime(r)
  for member, by in pairs(gains[i]) do
    local k = prefix .. category_of[member]
    redis.call('ZINCRBY', all, by, member)
    local sum = redis.call('ZINCRBY', k, by, member)
    touched[all], touched[k] = life, life
    if r[2] == 'window' and math.abs(sum) < 1e-9 then emptied[all], emptied[k] = true, true end
  end
end
for k in pairs(emptied) do redis.call('ZREMRANGEBYSCORE', k, '-1e-9', '1e-9') end
local names, tree = {}, P .. 'tree'
for category in pairs(categories) do names[#names + 1], names[#names + 2] = '0', category end
for first = 1, #names, 2 * most do
  redis.call('ZADD', tree, unpack(names, first, math.min(first + 2 * most - 1, #names)))
  touched[tree] = lives.longest
end
for k, life in pairs(touched) do redis.call('EXPIRE', k, math.floor(life)) end
return changed
