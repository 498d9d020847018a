-- Ends a lease that is ours.   KEYS 1 lease  2 fence   ARGV 1 our token
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return {'', '', 0}
