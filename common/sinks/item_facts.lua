-- Upserts item facts of single minutes and keeps the rankings right by the difference.
-- Writing the same rows again changes nothing: the difference is zero.
-- KEYS[1]  <prefix>{item}:as_of   (all keys share its hash slot)
-- ARGV     1 prefix up to and with '{item}:'   2 source: 's' stream, 'b' batch, 'r' restore (adds only what is absent)   3 seconds facts live
--          4 newest minute of the caller's rows  5 rankings: [[name, kind, minutes], …]  6 segment minutes
--          7 rows: [[minute, category, item, 'c1,c2,…|values'], …], c in the order of the rankings
local P, source, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3])
local newest, segment = tonumber(ARGV[4]), tonumber(ARGV[6])
local rankings, rows = cjson.decode(ARGV[5]), cjson.decode(ARGV[7])
local touched = {}

local function text(x) return string.format('%.17g', x) end
local function lifetime(r) return math.max(ttl, r[3] * 60 * 30) end
local function key(r, scope) return P .. 'r:' .. r[1] .. ':' .. scope end
local function scopes()
  local all = redis.call('SMEMBERS', P .. 'scopes')
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

local function evict_minute(i, r, minute)
  local fact = redis.call('HGETALL', P .. 'f:' .. minute)
  local emptied = {}
  for n = 1, #fact, 2 do
    local c = parts(fact[n + 1])[i]
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
  for i, r in ipairs(rankings) do
    if r[2] == 'window' then
      if to - from >= r[3] then
        for _, scope in ipairs(scopes()) do redis.call('DEL', key(r, scope)) end
      else
        for minute = from - r[3] + 1, to - r[3] do evict_minute(i, r, minute) end
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

local changed = 0
for _, row in ipairs(rows) do
  local minute, category, value = row[1], row[2], row[4]
  if source ~= 's' or minute >= horizon then
    local fact, member = P .. 'f:' .. minute, category .. '\31' .. row[3]
    local old = redis.call('HGET', fact, member)
    if old ~= value and not (old and source == 'r' and minute >= horizon) then
      changed = changed + 1
      redis.call('HSET', fact, member, value)
      touched[fact] = ttl
      redis.call('SADD', P .. 'scopes', category)
      touched[P .. 'scopes'] = ttl * 4
      local now, before = parts(value), old and parts(old) or {}
      for i, r in ipairs(rankings) do
        local d, life = now[i] - (before[i] or 0), lifetime(r)
        if d ~= 0 and r[2] == 'window' and minute > as_of - r[3] and minute <= as_of then
          add(key(r, '*'), member, d, life)
          add(key(r, category), member, d, life)
        elseif d ~= 0 and r[2] == 'decay' and minute >= horizon then
          local start = math.floor(minute / segment) * segment
          local in_segment, in_total = d * 2 ^ ((minute - start) / r[3]), d * 2 ^ ((minute - marks[i]) / r[3])
          for _, scope in ipairs({'*', category}) do
            add(P .. 'seg:' .. r[1] .. ':' .. scope .. ':' .. start, member, in_segment, ttl)
            add(key(r, scope), member, in_total, life)
          end
        end
      end
    end
  end
end
for k, life in pairs(touched) do redis.call('EXPIRE', k, math.floor(life)) end
return changed
