-- A forgotten user is no longer one of an item's newest, unless for something done later.
-- KEYS[1] item's sorted set   ARGV 1 user  2 epoch ms up to which nothing counts
local time = redis.call('ZSCORE', KEYS[1], ARGV[1])
if time and tonumber(time) <= tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
return 1
