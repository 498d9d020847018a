-- Takes a lease that is free, or the dead holder's.
-- KEYS 1 lease  2 fence   ARGV 1 the dead holder, '' for none  2 who takes it  3 milliseconds  4 now, epoch ms
-- Returns the token, '' where it is held: then the holder and the milliseconds left.
local standing = redis.call('GET', KEYS[1])
if standing and standing ~= ARGV[1] then return {'', standing, redis.call('PTTL', KEYS[1])} end
-- At most 2^53: a double holds it. Larger than any before, also after Redis was emptied.
local token = math.max(tonumber(ARGV[4]), tonumber(redis.call('GET', KEYS[2]) or 0) + 1)
redis.call('SET', KEYS[2], string.format('%.0f', token))
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return {string.format('%.0f', token), '', 0}
