"""Edits of the watch over a query, of keywords' hours and baselines, and of what an event counts in."""

from tests.mutants.mutant import Mutant

WATCHED, NOTED = "tests/unit/test_watch.py", "tests/integration/test_watch_notes.py"
HOURS, TREND = "tests/integration/test_keyword_hours.py", "tests/unit/test_trend.py"
COUNTED = "tests/spark/test_aggregate.py"
FORGOTTEN = "tests/integration/test_forget_edges.py"
SENT, LOADED = "tests/unit/test_send.py", "tests/unit/test_bench_load.py"
WATCH, AGGREGATE = "streaming/watch.py", "common/facts/aggregate.py"
KEYWORDS, MERGE = "common/sinks/keyword_window.lua", "common/sinks/keyword_merge.lua"
MODEL, FORGET = "common/models/trend.py", "common/sinks/forget.lua"

LOOKED_AFTER = (
    Mutant(WATCH, "min(LONGEST_PAUSE, 2.0 ** min(self._failures, 10))", "2.0 ** min(self._failures, 10)", WATCHED),
    Mutant(WATCH, "2.0 ** min(self._failures, 10)", "2.0 * self._failures", WATCHED),
    Mutant(WATCH, "LONGEST_PAUSE = 30.0", "LONGEST_PAUSE = 32.0", WATCHED),
    Mutant(WATCH, "if now >= self._due:", "if now > self._due:", WATCHED),
    Mutant(WATCH, "        self._failures += 1\n", "", WATCHED),
    Mutant(
        WATCH, "        if last.numInputRows:\n            self._failures = 0", "        self._failures = 0", WATCHED
    ),
    Mutant(WATCH, "        if last.numInputRows:\n            self._failures = 0\n", "", WATCHED),
    Mutant(WATCH, "except redis.RedisError as error:", "except KeyError as error:", WATCHED),
    Mutant(WATCH, "query, self._query = self._query, None", "query = self._query", WATCHED),
    Mutant(WATCH, "            self._query.stop()", "            pass", WATCHED),
    Mutant(WATCH, "if progress.batchId > self._last_batch:", "if True:", NOTED),
    Mutant(WATCH, "if progress.batchId > self._last_batch:", "if progress.batchId >= self._last_batch:", NOTED),
    Mutant(WATCH, "self._late += sum(", "self._late = sum(", NOTED),
    Mutant(WATCH, "self._last_batch = -1", "self._last_batch = 0", NOTED),
    Mutant(WATCH, ", ex=PROGRESS_SECONDS)", ")", NOTED),
    Mutant(WATCH, "now >= self._noted + NOTE_EVERY", "now > self._noted + NOTE_EVERY", NOTED),
)
HOUR_OF_DAY = (
    Mutant(KEYWORDS, "math.floor(minute / 60) % 24", "(math.floor(minute / 60) + 1) % 24", HOURS),
    Mutant(KEYWORDS, "math.floor(minute / 60) % 24", "math.floor((minute + 1) / 60) % 24", HOURS),
    Mutant(KEYWORDS, "mass + factor(minute) * weight(minute)", "mass + weight(minute)", HOURS),
    Mutant(KEYWORDS, "factor(minute) * weight(minute)", "factor(as_of) * weight(minute)", HOURS),
    Mutant(MERGE, "    observed(minute)\n", "    observed(T)\n", HOURS),
    Mutant(MERGE, "  hours[hour] = factors[hour + 1]\n", "  hours[hour] = factors[(hour + 1) % 24 + 1]\n", HOURS),
    Mutant(MERGE, "text(hours[hour]))", "'1')", HOURS),
    Mutant(MERGE, "for minute = T, as_of - W do", "for minute = T + 1, as_of - W do", HOURS),
    Mutant(MODEL, "hours[minute // 60 % 24]", "hours[(minute // 60 + 1) % 24]", TREND),
    Mutant(MODEL, "hours[minute // 60 % 24]", "hours[first_minute // 60 % 24]", TREND),
    Mutant(MODEL, "first_minute + minutes))", "first_minute + minutes - 1))", TREND),
    Mutant("common/views/keywords.py", "self.as_of - minutes + 1,", "self.as_of - minutes,", TREND),
)
HEAD = (
    Mutant(MODEL, "HEAD_USUAL = 50, 8, 5.0", "HEAD_USUAL = 51, 8, 5.0", TREND),
    Mutant(MODEL, "HEAD_USUAL = 50, 8, 5.0", "HEAD_USUAL = 50, 9, 5.0", TREND),
    Mutant(MODEL, "[:HEAD]", "", TREND),
    Mutant(MODEL, "mu >= HEAD_USUAL", "mu > HEAD_USUAL", TREND),
    Mutant("common/views/keywords.py", "row[3] >= config.min_score", "row[3] > config.min_score", TREND),
)
COUNTS = (
    Mutant(AGGREGATE, "F.try_sum(name), F.lit(MOST)", "F.try_sum(name), F.lit(0)", COUNTED),
    Mutant(AGGREGATE, "F.try_sum(name)", "F.sum(name)", COUNTED),
    Mutant(
        AGGREGATE, 'F.col("price") * F.coalesce("quantity", F.lit(1))', 'F.col("price") * F.col("quantity")', COUNTED
    ),
    Mutant(AGGREGATE, "F.when(bought, amount).otherwise(zero)", "amount", COUNTED),
    Mutant(AGGREGATE, '== "refund", amount)', '== "purchase", amount)', COUNTED),
    Mutant(AGGREGATE, '"purchase", "refund")', '"purchase")', COUNTED),
)
FORGETTING = (
    Mutant(FORGET, "<= minute then redis", "< minute then redis", FORGOTTEN),
    Mutant(
        FORGET,
        "'ZREMRANGEBYSCORE', KEYS[2], '-inf', ahead",
        "'ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. ahead",
        FORGOTTEN,
    ),
    Mutant(
        FORGET, "'ZREMRANGEBYSCORE', KEYS[4], '-inf', ahead", "'ZREMRANGEBYSCORE', KEYS[4], '-inf', asked", FORGOTTEN
    ),
    Mutant(
        FORGET, "'ZREMRANGEBYSCORE', KEYS[5], '-inf', asked", "'ZREMRANGEBYSCORE', KEYS[5], '-inf', ahead", FORGOTTEN
    ),
    Mutant(FORGET, "tonumber(ahead) >= standing", "true", FORGOTTEN),
    Mutant(FORGET, "tonumber(ahead) >= standing", "tonumber(ahead) > standing", FORGOTTEN),
    Mutant(FORGET, "if redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 then redis", "if true then redis", FORGOTTEN),
    Mutant("common/sinks/forget.py", "asked_ms + MAX_AHEAD_MS", "asked_ms", FORGOTTEN),
)
BY_THE_CLOCK = (
    Mutant("local/produce.py", "report.failed += left", "report.failed = left", SENT),
    Mutant("local/produce.py", "due = start + message.due", "due = now + message.due if report.sent else start", SENT),
    Mutant("bench/open_loop.py", "- begun - number / rate) * 1000", "- begun) * 1000", LOADED),
)
MUTANTS = (*LOOKED_AFTER, *HOUR_OF_DAY, *HEAD, *COUNTS, *FORGETTING, *BY_THE_CLOCK)
