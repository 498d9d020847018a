-- Puts a product as a change of its source says, unless what stands came after that change.
-- KEYS[1] product   ARGV 1 op, 'd' to delete  2 lsn  3 ts_ms  4 arrived_ms ('' where unknown)
--   5 how many fields keep what stands  6… their names, then field, value pairs
-- Which of two changes is older says common/sources/catalog_order.py: by lsn where both have one, else by ts_ms where
-- both have one, else by arrival. A hash of a release before has only lsn: then the newest to arrive wins where lsn
-- does not decide. Lua's numbers are doubles: decimal texts are compared, never numbers.
-- A deleted product leaves its marks behind for 90 days: an older change cannot bring it
-- back, and what a model still proposes is known to be withdrawn.
local MARKS = {'lsn', 'ts_ms', 'arrived_ms'}
local function digits(text) return text and string.match(text, '^%d+$') end
local function less(a, b) return #a < #b or (#a == #b and a < b) end

local standing = redis.call('HMGET', KEYS[1], unpack(MARKS))
for n in ipairs(MARKS) do
  local new, old = digits(ARGV[n + 1]), digits(standing[n])
  if new and old and new ~= old then
    if less(new, old) then return 0 end
    break
  end
end

local fields = {}
local function put(name, value)
  if value then
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
end
local stays = tonumber(ARGV[5])
if ARGV[1] == 'd' then
  put('status', 'withdrawn')
else
  for n = 6, 5 + stays do put(ARGV[n], redis.call('HGET', KEYS[1], ARGV[n])) end
  for n = 6 + stays, #ARGV, 2 do put(ARGV[n], ARGV[n + 1]) end
  if #fields == 0 then put('status', 'active') end
end
for n, name in ipairs(MARKS) do put(name, digits(ARGV[n + 1])) end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(fields))
if ARGV[1] == 'd' then redis.call('EXPIRE', KEYS[1], 90 * 86400) end
return 1
