-- Batch up to T, stream after T: rebuilds every decayed ranking in one step and moves the horizon to T.
-- KEYS[1]  <prefix>{item}:as_of
-- ARGV     1 prefix up to and with '{item}:'  2 rankings: [[name, kind, minutes, n], …]; ranking n counts by cn
--          3 batch version  4 horizon T (epoch minute)  5 first minute that the version's bases do not hold yet
--          6 seconds facts live  7 name of this merge's mark
-- Returns 1, also when this version was merged before (a lost answer asked for again), 0 when a newer horizon
-- stands already, -1 when a minute that the bases hold has changed meanwhile. Then nothing changes.
local P, rankings, version = ARGV[1], cjson.decode(ARGV[2]), ARGV[3]
local T, open, ttl = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local lives = item_lifetimes(P, rankings, ttl)
local lifetime = lives.ranking
if redis.call('GET', P .. 'merged') == version then return 1 end
local current = tonumber(redis.call('GET', P .. 'horizon') or nil)
if current and current > T then return 0 end
local low = tonumber(redis.call('HGET', P .. 'lows', ARGV[7]) or nil)
if open > T and (not low or low < open) then return -1 end
local as_of = tonumber(redis.call('GET', P .. 'as_of') or nil) or lives.newest(T)
local categories = redis.call('ZRANGE', P .. 'tree', 0, -1)
local sum = P .. 'sum'
local AT_ONCE = 1000  -- keys a ZUNIONSTORE: Lua passes some 8,000 arguments at most
local gains = {}
for i in ipairs(rankings) do gains[i] = {} end

local function key(r, scope) return P .. 'r:' .. r[1] .. ':' .. scope end

local function gain(member, minute, value)
  local c = {}
  for n in string.gmatch(string.match(value, '^([^|]*)'), '[^,]+') do c[#c + 1] = tonumber(n) end
  for i, r in ipairs(rankings) do
    if r[2] == 'decay' and c[r[4]] ~= 0 then
      gains[i][member] = (gains[i][member] or 0) + c[r[4]] * 2 ^ ((minute - T) / r[3])
    end
  end
end

local function base_becomes(r, category)
  local base = P .. 'base:' .. r[1] .. ':' .. category .. ':' .. version
  redis.call('DEL', key(r, category))
  if redis.call('EXISTS', base) == 1 then redis.call('RENAME', base, key(r, category)) end
end

-- An item stands in one category, so that the overall ranking is the union of theirs.
local function merge_overall(r)
  redis.call('DEL', sum)
  for from = 1, #categories, AT_ONCE do
    local call = {'ZUNIONSTORE', sum, 1, sum}
    for n = from, math.min(from + AT_ONCE - 1, #categories) do
      call[3], call[#call + 1] = call[3] + 1, key(r, categories[n])
    end
    redis.call(unpack(call))
  end
  redis.call('DEL', key(r, '*'))
  if redis.call('EXISTS', sum) == 1 then redis.call('RENAME', sum, key(r, '*')) end
end

for minute = open, as_of do
  for _, hash in ipairs({'f:', 'x:'}) do
    local fact = redis.call('HGETALL', P .. hash .. minute)
    for n = 1, #fact, 2 do gain(string.match(fact[n], '^[^\31]*\31[^\31]*'), minute, fact[n + 1]) end
  end
end
for i, r in ipairs(rankings) do
  if r[2] == 'decay' then
    for _, category in ipairs(categories) do base_becomes(r, category) end
    for member, by in pairs(gains[i]) do
      redis.call('ZINCRBY', key(r, string.match(member, '^([^\31]*)\31')), by, member)
    end
    merge_overall(r)
    for _, category in ipairs(categories) do redis.call('EXPIRE', key(r, category), lifetime(r)) end
    redis.call('EXPIRE', key(r, '*'), lifetime(r))
    redis.call('SET', P .. 'lm:' .. r[1], T, 'EX', lifetime(r))
  end
end
-- A category that no ranking has any more is read by nobody: each name costs every answer over all categories.
for _, category in ipairs(categories) do
  local held = {}
  for _, r in ipairs(rankings) do held[#held + 1] = key(r, category) end
  if redis.call('EXISTS', unpack(held)) == 0 then redis.call('ZREM', P .. 'tree', category) end
end
redis.call('EXPIRE', P .. 'tree', lives.longest)
redis.call('SET', P .. 'horizon', T)
redis.call('SET', P .. 'merged', version)
redis.call('DEL', P .. 'lows')  -- those of others too, killed ones among them: whoever lacks its mark merges anew
return 1
