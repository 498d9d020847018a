-- The best of a ranking, of all or of a sub-tree of categories, exactly, without a sorted set for each sub-tree.
-- An item stands in one category, so the union's best are among the categories' best. Each category's first score is
-- looked at; what the n categories with the best of those do not hold cannot be among the n best.
-- KEYS    1 <prefix>{item}:tree (categories at score 0)  2 as_of  3 horizon  4 the ranking's landmark
--         5 the ranking of all whose scores are given beside (views of the last hour)
-- ARGV    1 start of the ranking's keys  2 top of the sub-tree, '*' for all  3 n > 0  4 hash category → factor, or ''
-- Returns {as_of, horizon, landmark, number of categories, member, score, score in 5 or nil, …}, in no order: n at least
-- where there are so many, and among them the n best by score × factor, equals by item id. Within a category members are
-- in the order of their items. In the ranking of all they are not: of up to EQUALS equals of the n-th all are looked at,
-- of more the best of each category; with more than FEW categories that costs too much, and equals go by category, then
-- item.
local EQUALS, FEW = 1000, 200
local MOST = 3000  -- members a command: Lua passes some 8,000 arguments at most
local start, top, n, factors = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local function apart()  -- whether the ranking of all is to be put together from its categories
  if factors ~= '' then return true end
  local last = redis.call('ZREVRANGE', start .. '*', n - 1, n - 1, 'WITHSCORES')[2]
  return last and redis.call('ZCOUNT', start .. '*', last, last) > EQUALS and redis.call('ZCARD', KEYS[1]) <= FEW
end
local names
if top == '*' and not apart() then
  names = {'*'}  -- the ranking of all is kept as such
elseif top == '*' then
  names = redis.call('ZRANGE', KEYS[1], 0, -1)
else
  names = redis.call('ZRANGEBYLEX', KEYS[1], '[' .. top .. '/', '(' .. top .. '0')  -- '0' follows '/'
  names[#names + 1] = top
end
local heads = {}
for _, name in ipairs(names) do
  local first = redis.call('ZREVRANGE', start .. name, 0, 0, 'WITHSCORES')
  if first[2] then heads[#heads + 1] = {name, tonumber(first[2]), 1} end
end
if factors ~= '' then
  local other = tonumber(redis.call('HGET', factors, '*') or '1')
  for _, head in ipairs(heads) do
    head[3] = tonumber(redis.call('HGET', factors, head[1]) or nil) or other
    head[2] = head[2] * head[3]
  end
end
table.sort(heads, function(a, b) return a[2] > b[2] end)

local found, scores, least = {}, {}, -math.huge
local function limit()  -- the n-th best score so far: what is below it is out
  if #scores < n then return end
  if least > -math.huge and #scores < 2 * n then return end  -- not for each category: sorting is most of the work
  table.sort(scores, function(a, b) return a > b end)
  for i = #scores, n + 1, -1 do scores[i] = nil end
  least = scores[n]
end
for _, head in ipairs(heads) do
  if head[2] < least then break end
  local key = start .. head[1]
  local rows = redis.call('ZREVRANGE', key, 0, n - 1, 'WITHSCORES')
  if #rows == 2 * n then  -- equals come by falling member: those of its last row anew, by rising
    local last = rows[2 * n]
    for i = #rows, 1, -2 do
      if rows[i] ~= last then break end
      rows[i], rows[i - 1] = nil, nil
    end
    local wanted = n - #rows / 2
    if head[1] == '*' then wanted = math.max(wanted, EQUALS) end
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, last, last, 'LIMIT', 0, wanted)) do
      rows[#rows + 1] = member
      rows[#rows + 1] = last
    end
  end
  for i = 1, #rows, 2 do
    local score = tonumber(rows[i + 1]) * head[3]
    if score < least then break end
    found[#found + 1] = {rows[i], score}
    scores[#scores + 1] = score
  end
  limit()
end
if #scores > n then
  table.sort(scores, function(a, b) return a > b end)
  least = scores[n]
end
local answer = redis.call('MGET', KEYS[2], KEYS[3], KEYS[4])
answer[4] = #names
local members = {}
for _, row in ipairs(found) do
  if row[2] >= least and row[2] > 0 then
    members[#members + 1] = row[1]
    answer[#members * 3 + 2] = row[1]
    answer[#members * 3 + 3] = string.format('%.17g', row[2])
  end
end
for first = 1, #members, MOST do
  local last = math.min(first + MOST - 1, #members)
  for i, score in ipairs(redis.call('ZMSCORE', KEYS[5], unpack(members, first, last))) do
    answer[(first + i - 1) * 3 + 4] = score
  end
end
return answer
