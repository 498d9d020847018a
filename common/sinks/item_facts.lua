-- Upserts item facts of single minutes and keeps the rankings right by the difference.
-- Writing the same rows again changes nothing: the difference is zero.
-- KEYS[1]  <prefix>{item}:as_of   (all keys share its hash slot)
-- ARGV     1 prefix up to and with '{item}:'   2 source: 's' stream, 'b' batch, 'r' restore (adds only what is absent)   3 seconds facts live
--          4 newest minute of the caller's rows  5 rankings: [[name, kind, minutes, n], …]  6 segment minutes
--          7 rows: [[minute, category, item, 'c1,c2,…|values'], …]; ranking n counts by cn
local P, source, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3])
local newest, segment = tonumber(ARGV[4]), tonumber(ARGV[6])
local rankings, rows = cjson.decode(ARGV[5]), cjson.decode(ARGV[7])
local touched = {}

local function text(x)
  return string.format(x % 1 == 0 and math.abs(x) < 2 ^ 53 and '%d' or '%.17g', x)
end
local function lifetime(r) return math.max(ttl, r[3] * 60 * 30) end
local function key(r, scope) return P .. 'r:' .. r[1] .. ':' .. scope end
local function scopes()
  local all = redis.call('ZRANGE', P .. 'tree', 0, -1)
  all[#all + 1] = '*'
  return all
end
local function add(k, member, by, life)
  redis.call('ZINCRBY', k, text(by), member)
  touched[k] = life
end
local function parts(value)
  local c = {}
  for n in string.gmatch(string.match(value, '^([^|]*)|'), '[^,]+') do c[#c + 1] = tonumber(n) end
  return c
end

local function drop_windows()
  for _, r in ipairs(rankings) do
    if r[2] == 'window' then
      for _, scope in ipairs(scopes()) do redis.call('DEL', key(r, scope)) end
    end
  end
end

local function evict_minute(r, minute)
  local fact = redis.call('HGETALL', P .. 'f:' .. minute)
  local emptied = {}
  for n = 1, #fact, 2 do
    local c = parts(fact[n + 1])[r[4]]
    if c and c ~= 0 then
      local category = string.match(fact[n], '^([^\31]*)\31')
      for _, scope in ipairs({'*', category}) do
        local k = key(r, scope)
        add(k, fact[n], -c, lifetime(r))
        emptied[k] = true
      end
    end
  end
  for k in pairs(emptied) do redis.call('ZREMRANGEBYSCORE', k, '-inf', '1e-9') end
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
end

-- Forward decay: a contribution counts 2^((minute - landmark) / half-life). Before that outgrows a double
-- the landmark moves on by whole half-lives, which is exact; what has decayed to nothing is dropped.
local function landmark(r, as_of)
  local k = P .. 'lm:' .. r[1]
  local lm = tonumber(redis.call('GET', k) or nil)
  if lm == nil then lm = math.floor(as_of / segment) * segment end
  local halves = math.floor((as_of - lm) / r[3])
  if halves > 200 then
    for _, scope in ipairs(scopes()) do
      local z = key(r, scope)
      if redis.call('EXISTS', z) == 1 then
        redis.call('ZUNIONSTORE', z, 1, z, 'WEIGHTS', text(2 ^ -halves))
        redis.call('ZREMRANGEBYSCORE', z, '-inf', '1e-15')
        touched[z] = lifetime(r)
      end
    end
    lm = lm + halves * r[3]
  end
  redis.call('SET', k, lm, 'EX', lifetime(r))
  return lm
end

local as_of = tonumber(redis.call('GET', P .. 'as_of') or nil)
if as_of == nil then
  drop_windows()
  as_of = newest
elseif newest > as_of then
  advance(as_of, newest)
  as_of = newest
end
-- Facts outlive as_of: while it stands, what leaves a window can still be subtracted.
redis.call('SET', P .. 'as_of', as_of, 'EX', math.floor(ttl / 2))
local horizon = tonumber(redis.call('GET', P .. 'horizon') or nil) or -1
local marks = {}
for i, r in ipairs(rankings) do
  if r[2] == 'decay' then marks[i] = landmark(r, as_of) end
end

-- What each member gains in each ranking and segment, summed over the rows before Redis is asked: popular
-- members come many times in a call.
local gains, segments, category_of, categories, changed = {}, {}, {}, {}, 0
for i in ipairs(rankings) do gains[i], segments[i] = {}, {} end

-- How a fact of this minute enters each ranking: {ranking, contribution, factor, segment, factor in the segment}.
local function entries(minute)
  local start, found = math.floor(minute / segment) * segment, {}
  for i, r in ipairs(rankings) do
    if r[2] == 'window' then
      if minute > as_of - r[3] and minute <= as_of then found[#found + 1] = {gains[i], r[4], 1} end
    elseif minute >= horizon then
      local part = segments[i][start]
      if not part then part = {} segments[i][start] = part end
      found[#found + 1] = {gains[i], r[4], 2 ^ ((minute - marks[i]) / r[3]), part, 2 ^ ((minute - start) / r[3])}
    end
  end
  return found
end

local function gain(into, member, now, before)
  for _, e in ipairs(into) do
    local sums, d = e[1], now[e[2]] - (before[e[2]] or 0)
    if d ~= 0 then
      sums[member] = (sums[member] or 0) + d * e[3]
      if e[4] then e[4][member] = (e[4][member] or 0) + d * e[5] end
    end
  end
end

local function upsert(minute, members, values)
  local fact = P .. 'f:' .. minute
  local stored, put, into = redis.call('HMGET', fact, unpack(members)), {}, entries(minute)
  for n, member in ipairs(members) do
    local old, value = stored[n], values[n]
    if old ~= value and not (old and source == 'r' and minute >= horizon) then
      changed = changed + 1
      put[#put + 1], put[#put + 2] = member, value
      gain(into, member, parts(value), old and parts(old) or {})
      local category = string.match(member, '^([^\31]*)\31')
      category_of[member], categories[category] = category, true
    end
  end
  if #put > 0 then
    redis.call('HSET', fact, unpack(put))
    touched[fact] = ttl
  end
end

local minutes = {}
for _, row in ipairs(rows) do
  local minute = row[1]
  if source ~= 's' or minute >= horizon then
    local of = minutes[minute]
    if not of then of = {{}, {}, {}} minutes[minute] = of end
    local member = row[2] .. '\31' .. row[3]
    local n = of[3][member] or #of[1] + 1  -- a row that comes twice in a call: the later one stands
    of[1][n], of[2][n], of[3][member] = member, row[4], n
  end
end
for minute, of in pairs(minutes) do upsert(minute, of[1], of[2]) end

-- One ZINCRBY a member: reading the scores by ZMSCORE and putting the sums by ZADD was measured no faster.
for i, r in ipairs(rankings) do
  local all, prefix, life = key(r, '*'), key(r, ''), lifetime(r)
  for member, by in pairs(gains[i]) do
    local k, amount = prefix .. category_of[member], text(by)
    redis.call('ZINCRBY', all, amount, member)
    redis.call('ZINCRBY', k, amount, member)
    touched[all], touched[k] = life, life
  end
  for start, part in pairs(segments[i]) do
    for member, by in pairs(part) do
      local k = P .. 'seg:' .. r[1] .. ':' .. category_of[member] .. ':' .. start
      redis.call('ZINCRBY', k, text(by), member)
      touched[k] = ttl
    end
  end
end
local names = {}
for category in pairs(categories) do names[#names + 1], names[#names + 2] = '0', category end
if #names > 0 then
  redis.call('ZADD', P .. 'tree', unpack(names))
  touched[P .. 'tree'] = ttl * 4
end
for k, life in pairs(touched) do redis.call('EXPIRE', k, math.floor(life)) end
return changed
