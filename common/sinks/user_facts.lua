-- Upserts facts of one user and keeps only the newest.
-- KEYS 1 user's hash  2 epoch ms up to which the user is forgotten
-- ARGV 1 facts kept  2 seconds to live  3 source  4… field, value pairs; a field starts with its minute
-- Source 'r' restores: it adds what is absent and leaves what stands.
-- Returns the minute up to which it dropped the fields, -1 where nobody is forgotten.
local kept, first, given, minute = tonumber(ARGV[1]), 4, ARGV, -1
local forgotten = redis.call('GET', KEYS[2])
if forgotten then  -- the stream's state may still hold what was before
  minute = math.floor(tonumber(forgotten) / 60000)
  first, given = 1, {}
  for n = 4, #ARGV, 2 do
    if tonumber(string.match(ARGV[n], '^%d+')) > minute then
      given[#given + 1] = ARGV[n]
      given[#given + 1] = ARGV[n + 1]
    end
  end
  if #given == 0 then return minute end
end
if ARGV[3] == 'r' then
  for n = first, #given, 2 do redis.call('HSETNX', KEYS[1], given[n], given[n + 1]) end
else
  redis.call('HSET', KEYS[1], unpack(given, first))
end
-- A quarter more may stand, so that not every call of a busy user looks for the oldest.
if redis.call('HLEN', KEYS[1]) > kept * 1.25 then
  local fields, of = redis.call('HKEYS', KEYS[1]), {}
  for _, field in ipairs(fields) do of[field] = tonumber(string.match(field, '^%d+')) end
  table.sort(fields, function(a, b)
    return of[a] < of[b] or (of[a] == of[b] and a < b)
  end)
  for n = 1, #fields - kept do redis.call('HDEL', KEYS[1], fields[n]) end
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return minute
