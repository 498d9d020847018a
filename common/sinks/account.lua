-- What a query has done so far, as it notes it.
-- KEYS 1 the account  ARGV 1 JSON
redis.call('SET', KEYS[1], ARGV[1])
return 1
