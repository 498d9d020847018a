-- Batch up to T, stream after T: rebuilds every decayed ranking in one step and moves the horizon to T.
-- KEYS[1]  <prefix>{item}:as_of
-- ARGV     1 prefix up to and with '{item}:'  2 rankings: [[name, kind, minutes], …]  3 segment minutes
--          4 batch version  5 horizon T (epoch minute, a multiple of the segment)  6 seconds facts live
-- Returns 1, or 0 when a newer horizon stands already (then nothing changes).
local P, rankings, segment = ARGV[1], cjson.decode(ARGV[2]), tonumber(ARGV[3])
local version, T, ttl = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local current = tonumber(redis.call('GET', P .. 'horizon') or nil)
if current and current > T then return 0 end
local as_of = tonumber(redis.call('GET', P .. 'as_of') or nil) or T
local scopes = redis.call('SMEMBERS', P .. 'scopes')
scopes[#scopes + 1] = '*'

for _, r in ipairs(rankings) do
  if r[2] == 'decay' then
    local life = math.max(ttl, r[3] * 60 * 30)
    for _, scope in ipairs(scopes) do
      local base = P .. 'base:' .. r[1] .. ':' .. scope .. ':' .. version
      local keys, weights = {base}, {'1'}
      for start = T, as_of, segment do
        local seg = P .. 'seg:' .. r[1] .. ':' .. scope .. ':' .. start
        if redis.call('EXISTS', seg) == 1 then
          keys[#keys + 1] = seg
          weights[#weights + 1] = string.format('%.17g', 2 ^ ((start - T) / r[3]))
        end
      end
      local call = {'ZUNIONSTORE', P .. 'r:' .. r[1] .. ':' .. scope, #keys}
      for _, k in ipairs(keys) do call[#call + 1] = k end
      call[#call + 1] = 'WEIGHTS'
      for _, w in ipairs(weights) do call[#call + 1] = w end
      redis.call(unpack(call))
      redis.call('EXPIRE', P .. 'r:' .. r[1] .. ':' .. scope, life)
      redis.call('DEL', base)
    end
    redis.call('SET', P .. 'lm:' .. r[1], T, 'EX', life)
  end
end
redis.call('SET', P .. 'horizon', T)
return 1
