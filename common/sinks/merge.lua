-- Batch up to T, stream after T: rebuilds every decayed ranking in one step and moves the horizon to T.
-- KEYS[1]  <prefix>{item}:as_of
-- ARGV     1 prefix up to and with '{item}:'  2 rankings: [[name, kind, minutes], …]  3 segment minutes
--          4 batch version  5 horizon T (epoch minute, a multiple of the segment)  6 seconds facts live
-- Returns 1, also when this version was merged before (a lost answer asked for again), or 0 when a newer
-- horizon stands already. Then nothing changes.
local P, rankings, segment = ARGV[1], cjson.decode(ARGV[2]), tonumber(ARGV[3])
local version, T, ttl = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
if redis.call('GET', P .. 'merged') == version then return 1 end
local current = tonumber(redis.call('GET', P .. 'horizon') or nil)
if current and current > T then return 0 end
local as_of = tonumber(redis.call('GET', P .. 'as_of') or nil) or T
local categories = redis.call('ZRANGE', P .. 'tree', 0, -1)
local sum = P .. 'sum'
local AT_ONCE = 1000  -- keys a ZUNIONSTORE: Lua passes some 8,000 arguments at most

local function add_to_sum(keys, weights)
  local call = {'ZUNIONSTORE', sum, #keys + 1, sum}
  for _, k in ipairs(keys) do call[#call + 1] = k end
  call[#call + 1] = 'WEIGHTS'
  call[#call + 1] = '1'
  for _, w in ipairs(weights) do call[#call + 1] = w end
  redis.call(unpack(call))
end

local function in_batches(keys, weights)
  redis.call('DEL', sum)
  for from = 1, #keys, AT_ONCE do
    local to = math.min(from + AT_ONCE - 1, #keys)
    add_to_sum({unpack(keys, from, to)}, {unpack(weights, from, to)})
  end
end

local function sum_becomes(r, scope)
  local ranking = P .. 'r:' .. r[1] .. ':' .. scope
  redis.call('DEL', ranking)
  if redis.call('EXISTS', sum) == 1 then redis.call('RENAME', sum, ranking) end
  redis.call('EXPIRE', ranking, math.max(ttl, r[3] * 60 * 30))
end

local function merge(r, category)
  local keys, weights = {P .. 'base:' .. r[1] .. ':' .. category .. ':' .. version}, {'1'}
  for start = T, as_of, segment do
    local seg = P .. 'seg:' .. r[1] .. ':' .. category .. ':' .. start
    if redis.call('EXISTS', seg) == 1 then
      keys[#keys + 1] = seg
      weights[#weights + 1] = string.format('%.17g', 2 ^ ((start - T) / r[3]))
    end
  end
  in_batches(keys, weights)
  sum_becomes(r, category)
end

-- An item stands in one category, so that the overall ranking is the union of theirs.
local function merge_overall(r)
  local keys, weights = {}, {}
  for n, category in ipairs(categories) do
    keys[n], weights[n] = P .. 'r:' .. r[1] .. ':' .. category, '1'
  end
  in_batches(keys, weights)
  sum_becomes(r, '*')
end

for _, r in ipairs(rankings) do
  if r[2] == 'decay' then
    for _, category in ipairs(categories) do merge(r, category) end
    merge_overall(r)
    redis.call('SET', P .. 'lm:' .. r[1], T, 'EX', math.max(ttl, r[3] * 60 * 30))
  end
end
redis.call('SET', P .. 'horizon', T)
redis.call('SET', P .. 'merged', version)
return 1
