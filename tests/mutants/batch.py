"""Edits of the batch layer and of what lists are filled by: edges of T, limits, gates, pointers, forgetting."""

from tests.mutants.mutant import Mutant

FILL, BLENDED, PROFILE = "tests/unit/test_filled.py", "tests/unit/test_blend.py", "tests/unit/test_views_profile.py"
CORRECTED, CORRECTION_HOURS = "tests/unit/test_corrections.py", "tests/spark/test_correction_hours.py"
POINTERS, PAST, PLANNED = "tests/unit/test_pointer.py", "tests/unit/test_past_hours.py", "tests/unit/test_schedule.py"
BOUNDS, LEARNED, ROWS = (
    "tests/spark/test_fact_bounds.py",
    "tests/spark/test_keyword_hours.py",
    "tests/spark/test_forget_rows.py",
)
CANARY, NAMES = "tests/integration/test_canary.py", "tests/unit/test_registry.py"
ZONES, SPLIT = "tests/spark/test_time_zones.py", "tests/spark/test_evaluate.py"
FILLED, BLEND, VIEW = "serving/surfaces/filled.py", "common/views/blend.py", "common/views/profile.py"
MODEL, JOB, KEYWORDS = "common/models/corrections.py", "batch/corrections.py", "batch/keywords.py"
REGISTRY, POINTER, FORGET = "batch/registry.py", "batch/pointer.py", "batch/forget.py"
FACTS, HELD_OUT, CAPS = "batch/facts.py", "batch/held_out.py", "common/views/caps.py"

LISTS = (
    Mutant(FILLED, "np.count_nonzero(may[:first]) >= asked.limit", "np.count_nonzero(may[:first]) > asked.limit", FILL),
    Mutant(FILLED, "np.count_nonzero(may[:first]) >= asked.limit", "first >= asked.limit", FILL),
    Mutant(FILLED, "np.cumsum(may[second:]) <= missing", "np.cumsum(may[second:]) < missing", FILL),
    Mutant(FILLED, "asked.limit - np.count_nonzero(may[:second])", "asked.limit - second", FILL),
    Mutant(BLEND, "TAIL = 100", "TAIL = 101", BLENDED),
    Mutant(BLEND, "limit < explore.first:", "limit <= explore.first:", BLENDED),
    Mutant(BLEND, "range(explore.first - 1, limit)", "range(explore.first, limit)", BLENDED),
    Mutant(BLEND, "order[limit : limit + TAIL]", "order[limit + 1 : limit + TAIL]", BLENDED),
    Mutant(VIEW, "fact.minute * MINUTE_MS >= time_ms", "fact.minute * MINUTE_MS > time_ms", PROFILE),
    Mutant(VIEW, "a.time_ms >= time_ms", "a.time_ms > time_ms", PROFILE),
)
HOUR_OF_DAY = (
    Mutant(MODEL, "usual.mean(axis=0), 1 / bound, bound)", "usual.mean(axis=0), 0, np.inf)", CORRECTED),
    Mutant(MODEL, "np.clip(mean / usual, 1 / bound, bound)", "np.clip(mean / usual, 1 / bound, bound - 1)", CORRECTED),
    Mutant(MODEL, "- np.arange(HOURS)[None, :]) % HOURS", "- np.arange(HOURS)[None, :] + 1) % HOURS", CORRECTED),
    Mutant("serving/past.py", "ZoneInfo(config.rankings.corrections.time_zone)).hour", 'ZoneInfo("UTC")).hour', PAST),
    Mutant(
        "serving/past.py",
        "datetime.fromtimestamp(minute * 60, ZoneInfo",
        "datetime.fromtimestamp(minute * 60 + 60, ZoneInfo",
        PAST,
    ),
    Mutant(
        JOB,
        'local = F.from_utc_timestamp("window_start", settings.time_zone)',
        'local = F.col("window_start")',
        CORRECTION_HOURS,
    ),
    Mutant(
        JOB,
        'actions[place[row["category"]], row["hour"]]',
        'actions[place[row["category"]], row["hour"] - 1]',
        CORRECTION_HOURS,
    ),
    Mutant(JOB, "capped_facts(spark, config),", "read_table(spark, config, ITEM_FACTS),", CORRECTION_HOURS),
    Mutant(
        KEYWORDS, 'hour = F.floor(F.col("minute") / 60) % 24', 'hour = F.floor(F.col("minute") / 60 + 1) % 24', LEARNED
    ),
    Mutant(KEYWORDS, "F.get(factors, hour)", "F.get(factors, (hour + 1) % 24)", LEARNED),
)
WHEN = (
    Mutant("batch/tables.py", "EPOCH + timedelta(microseconds=micros)", "datetime.fromtimestamp(micros / 1e6)", ZONES),
    Mutant("batch/evaluate.py", "as_known(rows.where(moment < cut), cut)", "rows.where(moment < cut)", SPLIT),
    Mutant("batch/interactions.py", '(login["since"].cast("double") < seconds)', "F.lit(True)", SPLIT),
    Mutant("batch/interactions.py", 'login["until"].cast("double") >= seconds', 'login["until"].isNull()', SPLIT),
)
MOVES = (
    Mutant(REGISTRY, '("rollback", "canary-over")', '("rollback",)', POINTERS),
    Mutant(REGISTRY, '("rollback", "canary-over")', '("canary-over",)', POINTERS),
    Mutant(REGISTRY, "history[-1].reason in", "history[0].reason in", POINTERS),
    Mutant(POINTER, "        return registry.kept_back(current(spark, config, pointer))", "        pass", POINTERS),
    Mutant(
        POINTER,
        '    promote(spark, config, pointer, version, "rollback")',
        "    promote(spark, config, pointer, version)",
        POINTERS,
    ),
    Mutant(POINTER, 'else "trained") == "published"', 'else "trained") != "refused"', POINTERS),
    Mutant(POINTER, "except (StylestreamError, *DAMAGED) as error:", "except StylestreamError as error:", POINTERS),
    Mutant(POINTER, "if not first or v < first else", "if True else", POINTERS),
    Mutant(POINTER, "if served != version:", "if True:", POINTERS),
    Mutant(POINTER, '    if reason != "rollback":\n', "    if True:\n", POINTERS),
    Mutant(POINTER, "others = () if registry.held(history) else there", "others = there", POINTERS),
    Mutant(REGISTRY, 'served == next(reversed(lived(history)), "")', "history", POINTERS),
    Mutant(REGISTRY, "*others[:number], ", "", NAMES),
    Mutant(REGISTRY, "*may_serve[:number], ", "", NAMES),
    Mutant(REGISTRY, "-{secrets.token_hex(3)}", "", NAMES),
    Mutant("batch/canary.py", 'record_move(spark, config, over.version, "canary-over")', "pass", CANARY),
    Mutant("batch/models.py", "if registry.held(moves(spark, config)):", "if False:", CANARY),
    Mutant("batch/schedule.py", "ThreadPoolExecutor(1)", "ThreadPoolExecutor(2)", PLANNED),
    Mutant("batch/schedule.py", "                process.kill()\n", "                pass\n", PLANNED),
)
DATES = "tests/unit/test_changed_dates.py"
TABLES, ADDED = "batch/tables.py", "tests/spark/test_dates_changed.py"
EDGES = (
    Mutant(FACTS, "in unquote(file)", "in file", DATES),
    Mutant(FACTS, '.split("/")[-2:-1]', '.split("/")', DATES),
    Mutant(FACTS, "if since is not None else None", "if since is None else None", DATES),
    Mutant(FACTS, "date >= min(left", "date > min(left", DATES),
    Mutant(TABLES, "range(since + 1, until + 1)", "range(since + 1, until)", ADDED),
    Mutant(TABLES, "range(since + 1, until + 1)", "range(since, until + 1)", ADDED),
    Mutant(TABLES, 'log.where(file["dataChange"])', "log.where(file.isNotNull())", ADDED),
    Mutant(TABLES, 'F.coalesce("add", "remove")', 'F.col("add")', ADDED),
    Mutant(FACTS, " if note else set())", " if not note else set())", DATES),
    Mutant(TABLES, 'log.where("remove.dataChange")', 'log.where("remove is not null")', ADDED),
    Mutant(TABLES, "if until == since else None", "if until <= since else None", ADDED),
    Mutant(FACTS, "int(latest // segment) * segment", "int(-(-latest // segment)) * segment", BOUNDS),
    Mutant(FACTS, "latest = newest / 60 -", "latest = newest // 60 -", BOUNDS),
    Mutant(HELD_OUT, 'F.col("items") <= LIGHT_ITEMS', 'F.col("items") < LIGHT_ITEMS', BOUNDS),
    Mutant(HELD_OUT, 'F.col("items") <= most', 'F.col("items") < most', BOUNDS),
    Mutant(HELD_OUT, 'F.col("n") <= MAX_EVALUATED', 'F.col("n") < MAX_EVALUATED', BOUNDS),
    Mutant(CAPS, "F.lit(per_user) - before, F.lit(0))", "F.lit(per_user) - before, F.lit(1))", BOUNDS),
    Mutant(CAPS, "F.greatest(*CAPPED_MEASURES) > 1", "F.greatest(*CAPPED_MEASURES) > 2", BOUNDS),
    Mutant(FORGET, "t.event_time, t.ingest_time) <= {MOMENT}", "t.event_time, t.ingest_time) < {MOMENT}", ROWS),
    Mutant(FORGET, "least(t.event_time", "greatest(t.event_time", ROWS),
    Mutant(FORGET, "t.time <= {MOMENT}", "t.time < {MOMENT}", ROWS),
    Mutant(FORGET, "x.until_ms + {MAX_AHEAD_MS})", "x.until_ms + {MAX_AHEAD_MS} - 1)", ROWS),
    Mutant(FORGET, 'F.max("requested_ms").alias("until_ms")', 'F.min("requested_ms").alias("until_ms")', ROWS),
    Mutant(FORGET, '(x.asked or t.user_id is null)"\n    f"', 'true"\n    f"', ROWS),
    Mutant(FORGET, 'sessions.join(users, "session", "left_anti")', "sessions", ROWS),
)
MUTANTS = (*LISTS, *HOUR_OF_DAY, *WHEN, *MOVES, *EDGES)
