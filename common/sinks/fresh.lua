-- Keeps the newest users of one item.
-- KEYS[1] item's sorted set   ARGV 1 users kept  2 seconds to live  3… newest ms, user pairs
local kept = tonumber(ARGV[1])
redis.call('ZADD', KEYS[1], 'GT', unpack(ARGV, 3))
-- A member goes with its own age: an item that somebody new looks at every day would keep it for good.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3] - ARGV[2] * 1000)
-- A quarter more may stand, so that not every call removes one.
if redis.call('ZCARD', KEYS[1]) > kept * 1.25 then redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -kept - 1) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
