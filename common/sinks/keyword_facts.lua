-- Upserts who searched for what in single minutes; keeps the window's sums and the baseline right by the difference.
-- Whatever the order and however often, the same rows leave the same state (as long as `base` is not trimmed).
-- A minute's counts are part of `win` while it is inside the window, of `base` (forward-decayed) from then on.
-- KEYS[1]  <prefix>{kw}:meta   (all keys share its hash slot)
-- ARGV     1 prefix up to and with '{kw}:'   2 window minutes   3 half-life minutes   4 minutes that counts live
--          5 baselines kept   6 newest minute of the caller's rows   7 rows: [[minute, keyword, form, [user, …]], …]
local P, meta, W, H = ARGV[1], KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local kept, most, newest = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local life, hll_life, long_life = kept * 60, (W + 15) * 60, math.max(kept, H * 20) * 60
local win, base = P .. 'win', P .. 'base'

local function field(name) return tonumber(redis.call('HGET', meta, name) or nil) end
local function text(x) return string.format('%.17g', x) end

local as_of = field('as_of')
local L = field('landmark')
local horizon = field('horizon') or -1
local mass = field('mass') or 0
local hours = {}

local function factor(minute)
  local hour = math.floor(minute / 60) % 24
  hours[hour] = hours[hour] or tonumber(redis.call('HGET', P .. 'hours', hour) or nil) or 1
  return hours[hour]
end
local function weight(minute) return 2 ^ ((minute - L) / H) end
local function observed(minute) mass = mass + factor(minute) * weight(minute) end

local function leaves_window(minute)
  local counts = redis.call('ZRANGE', P .. 'n:' .. minute, 0, -1, 'WITHSCORES')
  local w = weight(minute)
  for i = 1, #counts, 2 do
    redis.call('ZINCRBY', win, '-' .. counts[i + 1], counts[i])
    if minute >= horizon then redis.call('ZINCRBY', base, text(counts[i + 1] * w), counts[i]) end
  end
  if #counts > 0 and minute >= horizon then observed(minute) end
end

local function advance(to)
  for minute = as_of - W + 1, math.min(as_of, to - W) do leaves_window(minute) end
  if to - as_of >= W then redis.call('DEL', win) else redis.call('ZREMRANGEBYSCORE', win, '-inf', '0') end
  as_of = to
  if (to - L) / H > 200 then -- long before 2^x leaves the range of a double
    local by = 2 ^ ((L - to) / H)
    redis.call('ZUNIONSTORE', base, 1, base, 'WEIGHTS', text(by))
    mass, L = mass * by, to
  end
end

local function count(minute, keyword, users)
  local seen = P .. 'u:' .. minute .. ':' .. keyword
  if redis.call('PFADD', seen, unpack(users)) == 0 then return 0 end
  redis.call('EXPIRE', seen, hll_life)
  local counts = P .. 'n:' .. minute
  local now = redis.call('PFCOUNT', seen)
  local before = tonumber(redis.call('ZSCORE', counts, keyword) or nil) or 0
  if now <= before then return 0 end
  local first = redis.call('EXISTS', counts) == 0
  redis.call('ZADD', counts, now, keyword)
  if first then redis.call('EXPIRE', counts, life) end
  if minute > as_of - W then
    redis.call('ZINCRBY', win, now - before, keyword)
  elseif minute >= horizon then
    redis.call('ZINCRBY', base, text((now - before) * weight(minute)), keyword)
    if first then observed(minute) end
  end
  return 1
end

local function form(keyword, shown, users)
  local who, forms = P .. 'f:' .. keyword .. '\31' .. shown, P .. 'forms:' .. keyword
  if redis.call('PFADD', who, unpack(users)) == 0 then return end
  redis.call('ZADD', forms, redis.call('PFCOUNT', who), shown)
  redis.call('ZREMRANGEBYRANK', forms, 0, -9)
  redis.call('EXPIRE', who, hll_life)
  redis.call('EXPIRE', forms, hll_life)
end

L = L or newest
if not as_of then as_of = newest elseif newest > as_of then advance(newest) end
local changed = 0
for _, row in ipairs(cjson.decode(ARGV[7])) do
  if row[1] > as_of - kept then -- older: its counts have expired, it would count again; the batch layer counts it
    changed = changed + count(row[1], row[2], row[4])
    form(row[2], row[3], row[4])
  end
end
redis.call('ZREMRANGEBYRANK', base, 0, -(most + 1))
redis.call('HSET', meta, 'as_of', as_of, 'landmark', L, 'mass', text(mass))
for _, name in ipairs({meta, base}) do redis.call('EXPIRE', name, long_life) end
redis.call('EXPIRE', win, life)
return changed
