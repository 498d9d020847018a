-- Removes what a user did up to a moment, and what the batch layer knows; later actions stay.
-- KEYS 1 user facts  2 recent list  3 forgotten  4… keys removed whole   ARGV 1 epoch ms  2 seconds 'forgotten' stands
-- A minute that was going on is removed whole. 'forgotten' makes the stream's sink drop what its state still holds.
local minute = math.floor(tonumber(ARGV[1]) / 60000)
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if tonumber(string.match(field, '^%d+')) <= minute then redis.call('HDEL', KEYS[1], field) end
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[1])
for n = 4, #KEYS do redis.call('UNLINK', KEYS[n]) end
local standing = tonumber(redis.call('GET', KEYS[3]) or '0')
if tonumber(ARGV[1]) >= standing then redis.call('SET', KEYS[3], ARGV[1], 'EX', ARGV[2]) end
return 1
