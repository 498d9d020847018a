-- All that is known of one user, in one answer: a command each costs the process that asks several times as much.
-- KEYS: user facts, recent list, items bought, joined sessions, what they were shown, long-term profile, forgotten, then
-- lists of candidates.
-- ARGV: how many actions of the recent list, how many of what they were shown (0: none).
-- Answer: a value a key, as the commands give them.
local found = {
  redis.call('HGETALL', KEYS[1]),
  redis.call('ZREVRANGE', KEYS[2], 0, ARGV[1] - 1),
  redis.call('SMEMBERS', KEYS[3]),
  redis.call('ZREVRANGE', KEYS[4], 0, -1),
  ARGV[2] == '0' and {} or redis.call('ZREVRANGE', KEYS[5], 0, ARGV[2] - 1),
}
for place = 6, #KEYS do
  found[place] = redis.call('GET', KEYS[place])
end
return found
