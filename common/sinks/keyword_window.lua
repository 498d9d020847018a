-- What is known of keywords, and how time moves on in it: before the scripts that change it.
-- KEYS[1]  <prefix>{kw}:meta   (all keys share its hash slot)
-- ARGV     1 prefix up to and with '{kw}:'   2 window minutes   3 half-life minutes   4 minutes that counts live
--          5 baselines kept
-- A minute's counts are part of `win` while it is inside the window, of `base` (forward-decayed) from then on. All of
-- it stands `life` seconds without a write. Counts of a minute go when the newest one is 4 later, so that whatever is
-- to be taken off the window is there, however long the stream was away.
local P, meta, W, H = ARGV[1], KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local kept, most = tonumber(ARGV[4]), tonumber(ARGV[5])
local life, late = math.max(30 * 86400, kept * 60, H * 20 * 60), 15 * 60 -- late: for people after the window
local win, base = P .. 'win', P .. 'base'

local function field(name) return tonumber(redis.call('HGET', meta, name) or nil) end
local function text(x) return string.format('%.17g', x) end

local as_of, L, horizon, mass = field('as_of'), field('landmark'), field('horizon') or -1, field('mass') or 0
local hours = {}

local function factor(minute)
  local hour = math.floor(minute / 60) % 24
  hours[hour] = hours[hour] or tonumber(redis.call('HGET', P .. 'hours', hour) or nil) or 1
  return hours[hour]
end
local function weight(minute) return 2 ^ ((minute - L) / H) end
local function observed(minute) mass = mass + factor(minute) * weight(minute) end

local function make_window()
  local call = {'ZUNIONSTORE', win, W}
  for minute = as_of - W + 1, as_of do call[#call + 1] = P .. 'n:' .. minute end
  redis.call(unpack(call))
end

-- Where as_of is not known: the newest minute of which counts stand, from this one on.
local function newest_from(minute)
  local found = minute
  for later = minute + 1, minute + kept do
    if redis.call('EXISTS', P .. 'n:' .. later) == 1 then found = later end
  end
  return found
end

local function leaves_window(minute)
  local counts = redis.call('ZRANGE', P .. 'n:' .. minute, 0, -1, 'WITHSCORES')
  local w = weight(minute)
  for i = 1, #counts, 2 do
    redis.call('ZINCRBY', win, '-' .. counts[i + 1], counts[i])
    if minute >= horizon then redis.call('ZINCRBY', base, text(counts[i + 1] * w), counts[i]) end
    redis.call('EXPIRE', P .. 'u:' .. minute .. ':' .. counts[i], late)
  end
  if #counts > 0 and minute >= horizon then observed(minute) end
end

local function advance(to)
  for minute = as_of - W + 1, math.min(as_of, to - W) do leaves_window(minute) end
  if to - as_of >= W then redis.call('DEL', win) else redis.call('ZREMRANGEBYSCORE', win, '-inf', '0') end
  for minute = as_of - kept + 1, math.min(as_of, to - kept) do redis.call('UNLINK', P .. 'n:' .. minute) end
  as_of = to
  if (to - L) / H > 200 then -- long before 2^x leaves the range of a double
    local by = 2 ^ ((L - to) / H)
    redis.call('ZUNIONSTORE', base, 1, base, 'WEIGHTS', text(by))
    mass, L = mass * by, to
  end
end

-- What lives as long as `meta`: it is renewed with it, and what is written later stands longer.
local function renew()
  for minute = as_of - kept + 1, as_of do
    local counts = P .. 'n:' .. minute
    redis.call('EXPIRE', counts, life)
    for _, keyword in ipairs(minute > as_of - W and redis.call('ZRANGE', counts, 0, -1) or {}) do
      redis.call('EXPIRE', P .. 'u:' .. minute .. ':' .. keyword, life)
    end
  end
  for _, name in ipairs({meta, P .. 'hours'}) do redis.call('EXPIRE', name, life) end
end
