-- Baselines: batch up to T, the stream's minutes from T up to the window. One step; readers see before or after.
-- KEYS, ARGV 1 to 5: keyword_window.lua
-- ARGV     6 version   7 T   8 mass at T   9 hours: [24 factors]
-- Where the newest search came so early that T lies inside its window, or nobody knows when it came, the window moves
-- on: the batch layer knows that it is later, and what the stream may still bring of before T is in the batch's part.
-- Returns 1 (also when this version stands already), or 0 and changes nothing: when a newer T stands, or when the
-- stream's counts from T on are gone.
local version, T, factors = ARGV[6], tonumber(ARGV[7]), cjson.decode(ARGV[9])
local AT_ONCE = 1000 -- keys a ZUNIONSTORE: Lua passes some 8,000 arguments at most

if redis.call('HGET', meta, 'version') == version then return 1 end
if horizon > T then return 0 end
if as_of and T <= as_of - kept then return 0 end
if not as_of then -- what the window holds is not known either
  L, as_of = T, newest_from(T)
  make_window()
end
if as_of < T + W - 1 then advance(T + W - 1) end

for hour = 0, 23 do
  hours[hour] = factors[hour + 1]
  redis.call('HSET', P .. 'hours', hour, text(hours[hour]))
end
L, mass = T, tonumber(ARGV[8])
local names, weights = {base}, {'1'}
local function add()
  local call = {'ZUNIONSTORE', base, #names}
  for _, name in ipairs(names) do call[#call + 1] = name end
  call[#call + 1] = 'WEIGHTS'
  for _, w in ipairs(weights) do call[#call + 1] = w end
  redis.call(unpack(call))
  names, weights = {base}, {'1'}
end
redis.call('ZUNIONSTORE', base, 1, P .. 'v:' .. version)
for minute = T, as_of - W do
  local counts = P .. 'n:' .. minute
  if redis.call('EXISTS', counts) == 1 then
    names[#names + 1], weights[#weights + 1] = counts, text(weight(minute))
    observed(minute)
  end
  if #names == AT_ONCE then add() end
end
add()
redis.call('ZREMRANGEBYRANK', base, 0, -(most + 1))
redis.call('HSET', meta, 'version', version, 'horizon', T, 'landmark', T, 'mass', text(mass), 'as_of', as_of)
if redis.call('TTL', meta) < 0 then redis.call('EXPIRE', meta, life) end -- else not longer than the counts stand
for _, name in ipairs({win, base, P .. 'hours'}) do redis.call('EXPIRE', name, life) end
return 1
