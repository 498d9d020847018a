"""Edits of the event contract's two readers, of event time, of what clients choose and of the account of messages."""

from tests.mutants.mutant import Mutant

ALIKE = "tests/spark/test_readers_agree.py"
CLOCKS = "tests/integration/test_clocks.py"
RULES = "tests/unit/test_readers.py"
ACCOUNT = "tests/unit/test_audit.py"
STRICT, CARDS, VALIDATE = "common/strict_json.py", "common/cards.py", "common/validate.py"
KNOWN, BOUNDED = "tests/unit/test_categories.py", "tests/integration/test_many_categories.py"
COLLECTOR, CATEGORIES, ROOM = "serving/collector.py", "serving/categories.py", "serving/categories.lua"
COLUMNS, VERDICT, AUDIT = "common/sources/json_rules.py", "common/sources/verdict.py", "common/audit.py"

CHOSEN = (
    Mutant(ROOM, "count < most", "count <= most", BOUNDED),
    Mutant(ROOM, "count < most", "count < most - 1", BOUNDED),
    Mutant(ROOM, "    count = count + 1\n", "", BOUNDED),
    Mutant(ROOM, "if redis.call('ZSCORE', KEYS[1], ARGV[place]) then", "if false then", BOUNDED),
    Mutant(ROOM, "redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. now - ARGV[1])\n", "", BOUNDED),
    Mutant(ROOM, "'(' .. now - ARGV[1]", "'(' .. now - ARGV[1] / 2", BOUNDED),
    Mutant(CATEGORIES, "name != OTHER and", "", KNOWN),
    Mutant(CATEGORIES, "self._known.get(name, now) <= now", "self._known.get(name, now) < now", KNOWN),
    Mutant(CATEGORIES, "len(self._known) >= self._most", "len(self._known) > self._most", KNOWN),
    Mutant(CATEGORIES, "for name in names if name not in over)", "for name in names)", KNOWN),
    Mutant(CATEGORIES, 'catalogue.get(event.get("item_id")) != event["category"]', "True", BOUNDED),
    Mutant(CATEGORIES, 'catalogue.get(event.get("item_id")) != event["category"]', "False", BOUNDED),
    Mutant(CATEGORIES, "self._see(pipeline, ANY_NUMBER, names)", "self._see(pipeline, self._most, names)", BOUNDED),
    Mutant(CATEGORIES, "self._clock() >= self._said + SAY_SECONDS", "True", KNOWN),
    Mutant(COLLECTOR, "        self._categories.note(pipeline, accepted)\n", "", BOUNDED),
    Mutant(COLLECTOR, 'judged["event_time"] < oldest', 'judged["event_time"] <= oldest', KNOWN),
    Mutant(COLLECTOR, "max_event_age_days * DAY_MS", "max_event_age_days * DAY_MS - 60_001", BOUNDED),
    Mutant(COLLECTOR, "max_event_age_days * DAY_MS", "max_event_age_days * DAY_MS + DAY_MS", BOUNDED),
)
READ = (
    Mutant(STRICT, "self._faults += len(members) != len(pairs)", "pass", RULES),
    Mutant(STRICT, "sum(map(str.isdigit, digits)) > MAX_NUMBER", "sum(map(str.isdigit, digits)) >= MAX_NUMBER", RULES),
    Mutant(STRICT, "if depth > MAX_NESTING:", "if depth >= MAX_NESTING:", RULES),
    Mutant(STRICT, "return SURROGATE.search(PAIR.sub", "return SURROGATE.search((lambda _, t: t)", RULES),
    Mutant(STRICT, 'text.replace("\\\\\\\\", "  ")', "text", RULES),
    Mutant(STRICT, 'raise json.JSONDecodeError("Extra data", self._text, place)', "pass", RULES),
    Mutant(CARDS, "% 10 == 0", "% 10 == 1", RULES),
    Mutant(CARDS, "code in PARTS", "code in {}", RULES),
    Mutant(VALIDATE, 'clean["event_time"] = rfc3339(millis)', 'clean["event_time"] = rfc3339(now_ms)', RULES),
    Mutant(
        VALIDATE, "if millis > now_ms + contract.MAX_AHEAD_MS:", "if millis >= now_ms + contract.MAX_AHEAD_MS:", RULES
    ),
    Mutant(VALIDATE, "if millis < contract.OLDEST_MS:", "if millis <= contract.OLDEST_MS:", RULES),
    Mutant(VALIDATE, "return float(text).is_integer()", "return True", "tests/unit/test_validate.py"),
    Mutant(VERDICT, "(amount == F.rint(amount))", "F.lit(True)", ALIKE),
    Mutant(VALIDATE, '_NOBODY.fullmatch(clean.get(name, ""))', "False", "tests/unit/test_validate.py"),
    Mutant(VERDICT, 'written = given == "STRING"', 'written = given.isin("STRING", "BOOLEAN")', ALIKE),
    Mutant(VALIDATE, "_payment(event, clean) or _properties(event)", "_payment(event, clean)", ALIKE),
    Mutant(VERDICT, '_no_object(texts, kinds, "payment")', "F.lit(False)", ALIKE),
    Mutant("common/sources/parse.py", " & _plain_objects(raw)", "", ALIKE),
    Mutant(VALIDATE, "not _WHOLE.fullmatch(text)", "False", RULES),
    Mutant(VALIDATE, "if len(raw) > contract.MAX_BYTES:", "if len(raw) >= contract.MAX_BYTES:", RULES),
    Mutant(COLUMNS, "in_a_list(raw).isNotNull() & member.isNotNull()", "in_a_list(raw).isNotNull()", ALIKE),
    Mutant(COLUMNS, "member.isNotNull()", "F.lit(True)", ALIKE),
    Mutant(COLUMNS, "        ~odd_escape,\n", "", ALIKE),
    Mutant(COLUMNS, "        in_a_list(raw).isNotNull(),\n", "", ALIKE),
    Mutant(VERDICT, "_broken(holds_card(raw), *contract.CARD)", "_broken(F.lit(False), *contract.CARD)", ALIKE),
    Mutant("common/sources/parse.py", 'F.least("event_time", received)', 'F.col("event_time")', CLOCKS),
    Mutant(
        "common/facts/once.py",
        'F.col("client_time").alias("client_time"',
        'F.col("event_time").alias("client_time"',
        CLOCKS,
    ),
    Mutant(
        "common/sources/kafka_records.py", 'F.least("timestamp", F.current_timestamp())', 'F.col("timestamp")', CLOCKS
    ),
    Mutant(AUDIT, "before = known.before if batch == known.batch else", "before = known.before if False else", ACCOUNT),
    Mutant(
        AUDIT, "batch not in (known.batch, known.batch + 1)", "batch not in (known.batch, known.batch + 9)", ACCOUNT
    ),
    Mutant(AUDIT, "- counts.late - self.quarantined", "- self.quarantined", ACCOUNT),
    Mutant(
        AUDIT,
        "(part.absent for part in self.partitions) - self.counts.empty",
        "(part.absent for part in self.partitions)",
        ACCOUNT,
    ),
    Mutant(
        AUDIT,
        "(part.offsets for part in self.partitions) - self.counts.empty",
        "(part.offsets for part in self.partitions)",
        ACCOUNT,
    ),
    Mutant(
        AUDIT,
        "any(part.doubled or part.behind for part",
        "any(part.behind for part",
        ACCOUNT,
    ),
)
MUTANTS = READ + CHOSEN
