-- Baselines: batch up to T, the stream's minutes from T up to the window. One step; readers see before or after.
-- KEYS[1]  <prefix>{kw}:meta
-- ARGV     1 prefix up to and with '{kw}:'   2 window minutes   3 half-life minutes   4 minutes that counts live
--          5 baselines kept   6 version   7 T   8 mass at T   9 hours: [24 factors]
-- Returns 1 (also when this version stands already), or 0 and changes nothing: when a newer T stands, when the
-- stream's counts from T on are gone, or when the stream is so far behind that T lies inside its window.
local P, meta, W, H = ARGV[1], KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local kept, most, version, T = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7])
local mass, factors = tonumber(ARGV[8]), cjson.decode(ARGV[9])
local base = P .. 'base'

if redis.call('HGET', meta, 'version') == version then return 1 end
local horizon = tonumber(redis.call('HGET', meta, 'horizon') or nil)
if horizon and horizon > T then return 0 end
local as_of = tonumber(redis.call('HGET', meta, 'as_of') or nil)
if as_of and (T <= as_of - kept or T > as_of - W + 1) then return 0 end

local keys, weights = {P .. 'v:' .. version}, {'1'}
for minute = T, (as_of or T) - W do
  local counts = P .. 'n:' .. minute
  if redis.call('EXISTS', counts) == 1 then
    local w = 2 ^ ((minute - T) / H)
    keys[#keys + 1], weights[#weights + 1] = counts, string.format('%.17g', w)
    mass = mass + factors[math.floor(minute / 60) % 24 + 1] * w
  end
end
local call = {'ZUNIONSTORE', base, #keys}
for _, k in ipairs(keys) do call[#call + 1] = k end
call[#call + 1] = 'WEIGHTS'
for _, w in ipairs(weights) do call[#call + 1] = w end
redis.call(unpack(call))
redis.call('ZREMRANGEBYRANK', base, 0, -(most + 1))
for hour = 0, 23 do redis.call('HSET', P .. 'hours', hour, string.format('%.17g', factors[hour + 1])) end
redis.call('HSET', meta, 'version', version, 'horizon', T, 'landmark', T, 'mass', string.format('%.17g', mass))
local life = math.max(kept, H * 20) * 60
for _, name in ipairs({meta, base, P .. 'hours'}) do redis.call('EXPIRE', name, life) end
return 1
