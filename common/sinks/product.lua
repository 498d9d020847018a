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

-- A field that a change left out, and of which nothing was known, is named in `left_out`: an older change that comes
-- again, from a restarted connector or by `rebuild`, says what it was. Such come from the oldest on: the last one counts.
local PLACEHOLDER = { -- a release before took them for values
  ['__debezium_unavailable_value'] = true,
  ['X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=='] = true,
}
local stays, unknown = tonumber(ARGV[5]), {}
for name in string.gmatch(redis.call('HGET', KEYS[1], 'left_out') or '', '%S+') do unknown[name] = true end
local function fill()
  if ARGV[1] == 'd' then return end
  for n = 6 + stays, #ARGV, 2 do
    if unknown[ARGV[n]] then redis.call('HSET', KEYS[1], ARGV[n], ARGV[n + 1]) end
  end
end

local standing = redis.call('HMGET', KEYS[1], unpack(MARKS))
for n in ipairs(MARKS) do
  local new, old = digits(ARGV[n + 1]), digits(standing[n])
  if new and old and new ~= old then
    if less(new, old) then
      fill()
      return 0
    end
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
if ARGV[1] == 'd' then
  put('status', 'withdrawn')
else
  local is_new, deleted, left_out = redis.call('EXISTS', KEYS[1]) == 0, redis.call('TTL', KEYS[1]) >= 0, {}
  for n = 6, 5 + stays do
    local name = ARGV[n]
    local value = not deleted and redis.call('HGET', KEYS[1], name)
    if not PLACEHOLDER[value] then put(name, value) end
    if is_new or unknown[name] or PLACEHOLDER[value] then left_out[#left_out + 1] = name end
  end
  put('left_out', #left_out > 0 and table.concat(left_out, ' '))
  for n = 6 + stays, #ARGV, 2 do put(ARGV[n], ARGV[n + 1]) end
  if #fields == 0 then put('status', 'active') end
end
for n, name in ipairs(MARKS) do put(name, digits(ARGV[n + 1])) end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(fields))
if ARGV[1] == 'd' then redis.call('EXPIRE', KEYS[1], 90 * 86400) end
return 1
