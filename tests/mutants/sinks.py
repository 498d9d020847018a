"""Mutants of what writes facts, rankings and guards to Redis, and of the merge."""

from tests.mutants.mutant import Mutant

HERE = "tests/integration/sinks/"
ITEM, MERGE, USER = "common/sinks/item_facts.lua", "common/sinks/merge.lua", "common/sinks/user_facts.lua"
KNOWN, CAPPED = (
    "(old and source == 'r' and minute >= horizon)",
    "if known[at] and source == 'r' and minute >= horizon then",
)
MERGES, EDGES = f"{HERE}test_stateful.py", f"{HERE}test_window_edges.py"
LANDMARK, RESTORE = f"{HERE}test_landmark.py", f"{HERE}test_restore.py"

RESTORED = (
    Mutant(ITEM, KNOWN, "(false)", RESTORE),
    Mutant(ITEM, KNOWN, "(old and source == 'r')", RESTORE),
    Mutant(ITEM, KNOWN, "(old and source == 'r' and minute > horizon)", RESTORE),
    Mutant(ITEM, CAPPED, "if false then", RESTORE),
    Mutant(ITEM, CAPPED, "if known[at] and source == 'r' then", RESTORE),
    Mutant(
        ITEM,
        CAPPED,
        "if known[at] and source == 'r' and minute > horizon then",
        RESTORE,
    ),
    Mutant(ITEM, CAPPED, "if source == 'r' then", RESTORE),
    Mutant(USER, "redis.call('HSETNX', ", "redis.call('HSET', ", RESTORE),
    Mutant(USER, "if ARGV[3] == 'r' then", "if true then", RESTORE),
    Mutant("common/sinks/redis_facts.py", "if source != BATCH:", "if True:", RESTORE),
)
MERGED = (
    Mutant(MERGE, "(not low or low < open)", "(low and low < open)", MERGES),
    Mutant(MERGE, "(not low or low < open)", "(not low or low < open - 1)", MERGES),
    Mutant(MERGE, "(not low or low < open)", "(not low or low <= open)", MERGES),
    Mutant(MERGE, "(not low or low < open)", "not low", MERGES),
    Mutant(MERGE, "if current and current > T then", "if current and current >= T then", MERGES),
    Mutant(MERGE, "if current and current > T then", "if false then", MERGES),
    Mutant(MERGE, "for minute = open, as_of do", "for minute = open + 1, as_of do", MERGES),
    Mutant(MERGE, "for minute = open, as_of do", "for minute = open, as_of - 1 do", MERGES),
    Mutant(MERGE, "ipairs({'f:', 'x:'})", "ipairs({'f:'})", MERGES),
    Mutant(MERGE, "== version then return 1 end", "== version then return 0 end", MERGES),
    Mutant(MERGE, "redis.call('SET', P .. 'horizon', T)", "redis.call('SET', P .. 'horizon', T + 1)", MERGES),
    Mutant(MERGE, "P .. 'lm:' .. r[1], T,", "P .. 'lm:' .. r[1], as_of,", MERGES),
    Mutant(ITEM, "if oldest < tonumber(lows[n + 1]) then", "if false then", MERGES),
    Mutant(ITEM, "    limit(unpack(row))\n    oldest = math.min(oldest, row[1])", "    limit(unpack(row))", MERGES),
    Mutant(ITEM, "return minute >= horizon and 2 ^", "return minute > horizon and 2 ^", MERGES),
    Mutant(ITEM, "return minute >= horizon and 2 ^", "return 2 ^", RESTORE),
    Mutant(ITEM, "if source ~= 's' or row[1] >= horizon then", "if source ~= 's' or row[1] > horizon then", MERGES),
    Mutant(ITEM, "if source ~= 's' or row[1] >= horizon then", "if true then", MERGES),
    Mutant(ITEM, "if source ~= 's' or minute >= horizon then", "if source ~= 's' or minute > horizon then", MERGES),
    Mutant(ITEM, "if source ~= 's' or minute >= horizon then", "if minute >= horizon then", MERGES),
    Mutant("common/sinks/rankings.py", "int(as_of) - late - 1", "int(as_of) - late", MERGES),
    Mutant("common/sinks/rankings.py", "*client.hgetall(keys.over(minute)).items(),", "", MERGES),
)
DECAYED = (
    Mutant(ITEM, "lm = lm + halves * r[3]", "lm = as_of", LANDMARK),
    Mutant(ITEM, "lm = lm + halves * r[3]", "lm = lm + (halves + 1) * r[3]", LANDMARK),
    Mutant(ITEM, "math.floor((as_of - lm) / r[3])", "(as_of - lm) / r[3]", LANDMARK),
    Mutant(ITEM, "if halves > 200 then", "if halves > 2000 then", LANDMARK),
    Mutant(ITEM, "'WEIGHTS', 2 ^ -halves)", "'WEIGHTS', 2 ^ -(halves - 1))", LANDMARK),
    Mutant(ITEM, "  all[#all + 1] = '*'\n", "", EDGES),
)
WINDOWS = (
    Mutant(ITEM, "minute > as_of - r[3] and minute <= as_of", "minute >= as_of - r[3] and minute <= as_of", EDGES),
    Mutant(ITEM, "minute > as_of - r[3] and minute <= as_of", "minute > as_of - r[3] + 1 and minute <= as_of", EDGES),
    Mutant(ITEM, "minute > as_of - r[3] and minute <= as_of", "minute > as_of - r[3] and minute < as_of", EDGES),
    Mutant(ITEM, "for minute = from - r[3] + 1, to - r[3] do", "for minute = from - r[3] + 2, to - r[3] do", EDGES),
    Mutant(ITEM, "for minute = from - r[3] + 1, to - r[3] do", "for minute = from - r[3] + 1, to - r[3] - 1 do", EDGES),
    Mutant(ITEM, "for minute = from - r[3] + 1, to - r[3] do", "for minute = from - r[3], to - r[3] do", EDGES),
    Mutant(ITEM, "if to - from >= r[3] then", "if to - from >= r[3] - 1 then", EDGES),
    Mutant(
        ITEM,
        "if to - from >= r[3] then",
        "if to - from > r[3] then",
        EDGES,
        survives="the same: at a jump of exactly one window each of its minutes is evicted by itself",
    ),
    Mutant(ITEM, "for _, hash in ipairs({'f:', 'x:'}) do", "for _, hash in ipairs({'f:'}) do", EDGES),
)
LIFETIMES, GUARD = f"{HERE}test_lifetimes.py", f"{HERE}test_guard.py"
LIVES, SEARCHES = "common/sinks/item_lifetimes.lua", "tests/integration/test_keyword_sink.py"
KEYWORD, MINUTES_KEPT = "common/sinks/keyword_facts.lua", "if first then redis.call('EXPIRE', counts, life) end"
LASTING = (
    Mutant(ITEM, "      touched[taken] = lives.fact(tonumber(m), as_of)\n", "", LIFETIMES),
    Mutant(ITEM, "  touched[hour] = lives.fact(math.floor(minute / 60) * 60 + 59, as_of)\n", "", LIFETIMES),
    Mutant(ITEM, "if not known then redis.call('EXPIRE', fact, lives.fact(minute, as_of)) end", "", LIFETIMES),
    Mutant(LIVES, "as_of, 'EX', math.floor(life / 2))", "as_of)", LIFETIMES),
    Mutant(LIVES, "as_of, 'EX', math.floor(life / 2))", "as_of, 'EX', life)", LIFETIMES),
    Mutant(ITEM, "redis.call('SET', k, lm, 'EX', lifetime(r))", "redis.call('SET', k, lm)", LIFETIMES),
    Mutant(ITEM, "    touched[all], touched[k] = life, life\n", "", LIFETIMES),
    Mutant(ITEM, "  touched[tree] = lives.longest\n", "", LIFETIMES),
    Mutant(MERGE, "    redis.call('EXPIRE', key(r, '*'), lifetime(r))\n", "", LIFETIMES),
    Mutant(MERGE, "T, 'EX', lifetime(r))", "T)", LIFETIMES),
    Mutant(USER, "redis.call('EXPIRE', KEYS[1], ARGV[2])", "", LIFETIMES),
    Mutant("common/sinks/fresh.lua", "redis.call('EXPIRE', KEYS[1], ARGV[2])", "", LIFETIMES),
    Mutant(
        "common/sinks/product.lua",
        "if ARGV[1] == 'd' then redis.call('EXPIRE', KEYS[1], 90 * 86400) end",
        "",
        LIFETIMES,
    ),
    Mutant(KEYWORD, MINUTES_KEPT, "", SEARCHES),
    Mutant(KEYWORD, "  redis.call('EXPIRE', seen, inside and life or late)\n", "", SEARCHES),
    Mutant("common/sinks/rates.py", "pipe.expire(keys.ranking(self.ranking, scope), TTL_SECONDS)", "pass", LIFETIMES),
    Mutant("common/sinks/rankings.py", "            pipe.expire(keys.low, MERGE_SECONDS)\n", "", LIFETIMES),
    Mutant("common/sinks/rankings.py", "pipe.hset(keys.low, mark,", 'pipe.hset(keys.low, "",', MERGES),
    Mutant(MERGE, "redis.call('DEL', P .. 'lows')", "redis.call('HDEL', P .. 'lows', ARGV[7])", MERGES),
    Mutant("common/sinks/rankings.py", "                pipe.expire(key, self.seconds)\n", "", LIFETIMES),
)
GUARDED = (
    Mutant("serving/guard.py", "nx=True, px=self._pending_ms)", "nx=True)", GUARD),
    Mutant("serving/guard.py", "DONE, ex=DONE_SECONDS)", "DONE)", GUARD),
    Mutant("serving/guard.py", "nx=True, px=", "px=", GUARD),
    Mutant("serving/guard.py", "if state == DONE}", "if state}", GUARD),
    Mutant("serving/guard.py", "DONE, ex=", "PENDING, ex=", GUARD),
    Mutant("serving/guard.py", "pipeline.delete(self._keys.seen(event_id))", "pass", GUARD),
    Mutant("serving/guard.py", "+ PENDING_EXTRA_SECONDS) * 1000)", "+ PENDING_EXTRA_SECONDS) * 60_000)", GUARD),
    Mutant("serving/guard.py", "DONE_SECONDS = 3600", "DONE_SECONDS = 36", GUARD),
)
HOUR, MERGE_JOB = f"{HERE}test_merge_hour.py", "batch/facts.py"
REACHING = (
    Mutant(MERGE_JOB, "(minute >= since - 60)", "(minute >= since)", HOUR),
    Mutant(MERGE_JOB, "_after_newest(spark, config, horizon, back) - back", "horizon - back", HOUR),
    Mutant(MERGE_JOB, "fused_items(items).unionByName(fused_users(often))", "fused_items(items)", HOUR),
)
GONE, STANDS = f"{HERE}test_gone.py", "tests/integration/test_deleted_events.py"
TAKEN_BACK = (
    Mutant(ITEM, "if #gone > 0 then", "if false then", GONE),
    Mutant(ITEM, "(old or '') ~= value", "old ~= value", GONE),
    Mutant(ITEM, "known[at] = #counts > 0 and counts or nil", "known[at] = counts", GONE),
    Mutant(ITEM, "  if before[at] and not after[at] then after[at] = over({[at] = {}})[at] end\n", "", GONE),
    Mutant(ITEM, "if r[2] == 'window' and math.abs(sum) < 1e-9 then", "if false then", GONE),
    Mutant("batch/publish.py", "redis.call('DEL', KEYS[1])\n", "", GONE),
    Mutant(MERGE_JOB, '"full_outer"', '"left"', STANDS),
    Mutant(MERGE_JOB, "    if fewer:\n", "    if True:\n", STANDS),
    Mutant(MERGE_JOB, "max(horizon, standing_horizon(config) or horizon)", "horizon", STANDS),
    Mutant("common/sinks/standing.py", ".unionByName(within)", "", STANDS),
)
OUTAGES, SILENCE = f"{HERE}test_outages.py", f"{HERE}test_keyword_outages.py"
SEARCHED, SEARCHES_MERGED = "common/sinks/keyword_window.lua", "common/sinks/keyword_merge.lua"
SURVIVING = (
    Mutant(LIVES, "minute > as_of - kept and life or ttl", "ttl", OUTAGES),
    Mutant(LIVES, "math.max(left - life + ttl, 1)", "ttl", OUTAGES),
    Mutant(LIVES, "math.max(left - life + ttl, 1)", "1", OUTAGES),
    Mutant(LIVES, "life - (as_of - minute) * 60)", "life)", OUTAGES),
    Mutant(LIVES, "'KEEPTTL')", "'EX', math.floor(life / 2))", OUTAGES),
    Mutant(ITEM, "as_of = lives.newest(newest)", "as_of = newest", OUTAGES),
    Mutant(ITEM, "ipairs(lost and lives.any() and rankings or {})", "ipairs({})", OUTAGES),
    Mutant(ITEM, "  lives.leave(from, to)\n", "", OUTAGES),
    Mutant(LIVES, "for _, kind in ipairs({'f:', 'x:'}) do", "for _, kind in ipairs({'f:'}) do", OUTAGES),
    Mutant(MERGE, "or lives.newest(T)", "or T", OUTAGES),
    Mutant(
        "common/sinks/rankings.py",
        "pipe.eval(NO_SHORTER, 1, keys.tree, seconds)",
        "pipe.expire(keys.tree, seconds)",
        OUTAGES,
    ),
    Mutant(SEARCHED, "redis.call('UNLINK', P .. 'n:' .. minute)", "", SILENCE),
    Mutant(SEARCHED, "    redis.call('EXPIRE', P .. 'u:' .. minute .. ':' .. counts[i], late)\n", "", SILENCE),
    Mutant(KEYWORD, "redis.call('EXPIRE', counts, life)", "redis.call('EXPIRE', counts, kept * 60)", SILENCE),
    Mutant(KEYWORD, "inside and life or late", "hll_life", SILENCE),
    Mutant(KEYWORD, "  make_window()\n", "", SILENCE),
    Mutant(SEARCHES_MERGED, "advance(T + W - 1)", "as_of = T + W - 1", SILENCE),
    Mutant(SEARCHES_MERGED, "if as_of < T + W - 1 then", "if as_of < T + W - 2 then", SILENCE),
    Mutant(SEARCHES_MERGED, "if #names == AT_ONCE then add() end", "", SILENCE),
)
MUTANTS = (*MERGED, *DECAYED, *TAKEN_BACK, *WINDOWS, *GUARDED, *LASTING, *RESTORED, *REACHING, *SURVIVING)
