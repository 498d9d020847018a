-- Upserts who searched for what in single minutes; keeps the window's sums and the baseline right by the difference.
-- Whatever the order and however often, the same rows leave the same state (as long as `base` is not trimmed).
-- KEYS, ARGV 1 to 5: keyword_window.lua
-- ARGV     6 newest minute of the caller's rows   7 rows: [[minute, keyword, form, [user, …]], …]
local newest, hll_life = tonumber(ARGV[6]), W * 60 + late

local function count(minute, keyword, users)
  local seen, inside = P .. 'u:' .. minute .. ':' .. keyword, minute > as_of - W
  local counts = P .. 'n:' .. minute
  local before = tonumber(redis.call('ZSCORE', counts, keyword) or nil)
  -- people may stand longer than the counts: where time went back, as nobody knew any more how far it was
  if redis.call('PFADD', seen, unpack(users)) == 0 and before then return 0 end
  before = before or 0
  redis.call('EXPIRE', seen, inside and life or late)
  local now = redis.call('PFCOUNT', seen)
  if now <= before then return 0 end
  local first = redis.call('EXISTS', counts) == 0
  redis.call('ZADD', counts, now, keyword)
  if first then redis.call('EXPIRE', counts, life) end
  if inside then
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

if not L then
  redis.call('DEL', base) -- decayed to a landmark that nobody knows any more
  L = newest
end
if not as_of then -- counts of minutes may stand all the same, also newer ones
  as_of = newest_from(newest)
elseif newest > as_of then
  advance(newest)
end
local changed = 0
for _, row in ipairs(cjson.decode(ARGV[7])) do
  if row[1] > as_of - kept then -- older: its counts have gone, it would count again; the batch layer counts it
    changed = changed + count(row[1], row[2], row[4])
    form(row[2], row[3], row[4])
  end
end
redis.call('ZREMRANGEBYRANK', base, 0, -(most + 1))
redis.call('HSET', meta, 'as_of', as_of, 'landmark', L, 'mass', text(mass))
if redis.call('TTL', meta) < life / 2 then -- also where there was none
  renew()
  make_window()
end
for _, name in ipairs({win, base}) do redis.call('EXPIRE', name, life) end
return changed
