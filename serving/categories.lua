-- Which categories may be used: those seen lately, and new ones as long as there is room.
-- KEYS 1 categories in use, by when they were last seen (epoch seconds of Redis' clock)
-- ARGV 1 seconds after which one that is not seen is none any more  2 how many there may be, '' for any number
--      3… the categories
-- Returns those that find no room; all others are noted as seen now.
local now, most = tonumber(redis.call('TIME')[1]), tonumber(ARGV[2]) or math.huge
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. now - ARGV[1])
local count, over = redis.call('ZCARD', KEYS[1]), {}
for place = 3, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[place]) then
    redis.call('ZADD', KEYS[1], now, ARGV[place])
  elseif count < most then
    redis.call('ZADD', KEYS[1], now, ARGV[place])
    count = count + 1
  else
    over[#over + 1] = ARGV[place]
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return over
