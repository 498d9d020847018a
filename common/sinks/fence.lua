-- Before a script that writes: its last key holds the newest writer's token, its last argument is ours ('' where any
-- may write). After Redis was emptied there is none until the holder of the lease sets it again.
do
  local key, token = table.remove(KEYS), table.remove(ARGV)
  local newest = token ~= '' and redis.call('GET', key)
  if newest and newest ~= token then
    return redis.error_reply('FENCED another process has taken over the writing (' .. key .. ')')
  end
end
