-- Puts a product as its source says, unless something newer stands already.
-- KEYS[1] product   ARGV 1 lsn  2 'd' to delete  3… field, value pairs
-- A deleted product leaves its lsn behind for 90 days: an older change cannot bring it
-- back, and what a model still proposes is known to be withdrawn.
local standing = tonumber(redis.call('HGET', KEYS[1], 'lsn') or nil)
if standing and standing > tonumber(ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'lsn', ARGV[1])
if ARGV[2] == 'd' then
  redis.call('HSET', KEYS[1], 'status', 'withdrawn')
  redis.call('EXPIRE', KEYS[1], 90 * 86400)
else
  redis.call('HSET', KEYS[1], unpack(ARGV, 3))
end
return 1
