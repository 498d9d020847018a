-- Removes what a user did up to a moment, and what the batch layer knows; later actions stay.
-- KEYS 1 user facts  2 recent list  3 forgotten  4 shown  5 sessions  6 kind  7… keys removed whole
-- ARGV 1 epoch ms asked  2 epoch ms up to which an event's own time may be, accepted by then  3 seconds 'forgotten' stands
-- A minute that was going on is removed whole. 'forgotten' makes the stream's sink drop what its state still holds.
local asked, ahead = ARGV[1], ARGV[2]
local minute = math.floor(tonumber(ahead) / 60000)
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if tonumber(string.match(field, '^%d+')) <= minute then redis.call('HDEL', KEYS[1], field) end
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ahead)
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', ahead)
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', asked)  -- by our own clock
if redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 then redis.call('UNLINK', KEYS[6]) end  -- else it protects what stays
for n = 7, #KEYS do redis.call('UNLINK', KEYS[n]) end
local standing = tonumber(redis.call('GET', KEYS[3]) or '0')
if tonumber(ahead) >= standing then redis.call('SET', KEYS[3], ahead, 'EX', ARGV[3]) end
return 1
