-- Upserts one user fact and keeps only the newest minutes.
-- KEYS[1] user's hash   ARGV 1 minute  2 value  3 minutes kept  4 seconds to live  5 source
-- 'r' restores: it adds a minute that is absent and leaves one that stands.
local put = ARGV[5] == 'r' and 'HSETNX' or 'HSET'
redis.call(put, KEYS[1], ARGV[1], ARGV[2])
local excess = redis.call('HLEN', KEYS[1]) - tonumber(ARGV[3])
if excess > 0 then
  local minutes = redis.call('HKEYS', KEYS[1])
  table.sort(minutes, function(a, b) return tonumber(a) < tonumber(b) end)
  for i = 1, excess do redis.call('HDEL', KEYS[1], minutes[i]) end
end
redis.call('EXPIRE', KEYS[1], tonumber(ARGV[4]))
return 1
