-- Renews a lease that is ours, also after it has ended or was lost with all of Redis.
-- KEYS 1 lease  2 fence   ARGV 1 our token  2 we  3 milliseconds
-- Returns '1' where a later token stands, and who holds the lease; else ''.
local newest = redis.call('GET', KEYS[2])
if newest and newest ~= ARGV[1] then return {'1', redis.call('GET', KEYS[1]) or '', 0} end
redis.call('SET', KEYS[2], ARGV[1])
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return {'', '', 0}
