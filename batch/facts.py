"""Job `facts`: what the stream counted, counted again from the lake, and the merge of both.

Reads `events` at one table version. Writes `item_facts`, `user_facts`, `query_facts` (by the stream's own functions,
partitioned by date; only the dates whose events have changed since the last run are replaced, so that running
again changes nothing) and `item_excess` (what the caps take off them, for rankings of the past), then Redis:

1. corrected item facts of the minutes before T that a window ranking still shows, and what is no more,
2. the batch part of every decayed ranking up to the horizon T, and, in one step, T itself.

T = newest event time − watermark, rounded down to `rankings.segment_minutes`: what comes later for minutes
before T is too late for the stream as well, and is counted by the next run.
"""

import json
import time
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from datetime import time as clock_time
from functools import reduce
from operator import or_
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.entry import run_job
from batch.fused import fused_items, fused_users
from batch.outcome import Outcome
from batch.registry import version_name
from batch.tables import dates_changed, newest_note, newest_version, read_events, replace_part, rows_removed
from common.config import Config, RankingConfig
from common.duration import duration_ms
from common.events import MAX_AHEAD_MS
from common.facts.item import item_facts
from common.facts.once import once_in_batch
from common.facts.query import query_facts
from common.facts.user import user_facts
from common.schemas import ITEM_FACTS as ITEM_FACTS_SCHEMA
from common.sinks.rankings import activate, publish_base, settled_minute, standing_horizon, streamed
from common.sinks.redis_facts import BATCH, encode, write_encoded
from common.sinks.standing import PLACE, standing
from common.sources.lake import EVENTS, ITEM_EXCESS, ITEM_FACTS, QUERY_FACTS, USER_FACTS, exists, read_table
from common.views.caps import excess, repeated
from common.views.decay import decayed, decayed_base, minute_of
from common.views.rankings import part

TAKE_BACK_SECONDS = 26 * 3600  # longer than any window is


def run(spark: SparkSession, config: Config) -> Outcome:
    """Recounts what is new, then merges."""
    if not exists(spark, config, EVENTS):
        return Outcome("no-data", "no facts: 0 events in the lake")
    version = newest_version(spark, config, EVENTS)
    dates = changed_dates(spark, config, version)
    if dates:
        recount(spark, config, version, dates)
    horizon = horizon_minute(read_events(spark, config, version), config)
    if horizon is None:
        return Outcome("no-data", "no facts: 0 events in the lake")
    fewer = took_back(spark, config)
    if fewer:  # the newest events may be what went: T does not go back with them
        horizon = max(horizon, standing_horizon(config) or horizon)
    merged = merge(spark, config, horizon, fewer)
    said = f"facts of {len(dates)} dates recounted, events version {version}"
    until = f"horizon {datetime.fromtimestamp(horizon * 60, timezone.utc):%Y-%m-%dT%H:%MZ}"
    if not merged:
        return Outcome("refused", f"{said}; not merged: {until} of the lake is older than the one that stands in Redis")
    return Outcome("done", f"{said}, {until}")


def changed_dates(spark: SparkSession, config: Config, version: int) -> list[str]:
    """The dates whose events have changed since the version that the facts were counted from, all at first. Those from
    before the oldest date that has events were trimmed: their facts stay.

    All tables are counted from the version noted with `item_facts`, which is written last.
    """
    note = _noted(spark, config)
    since = note.get("events_version")
    changed = dates_changed(spark, config, EVENTS, since, version) if since is not None else None
    if since is not None and changed is not None and not rows_removed(spark, config, EVENTS, since, version):
        return sorted(changed)
    left = dates_of(read_table(spark, config, EVENTS, version).inputFiles())
    if changed is None:
        changed = left | (dates_of(read_table(spark, config, ITEM_FACTS).inputFiles()) if note else set())
    return sorted(date for date in changed if date >= min(left, default=""))


def _noted(spark: SparkSession, config: Config) -> dict[str, int]:
    """`events_version` that the facts were counted from, `taken_at` when rows had last been taken away (epoch s)."""
    note: dict[str, int] = json.loads(newest_note(spark, config, ITEM_FACTS) or "{}")
    return note


def took_back(spark: SparkSession, config: Config) -> bool:
    """Whether events were deleted lately: what stands in Redis of windows may be of them."""
    return time.time() - _noted(spark, config).get("taken_at", 0) < TAKE_BACK_SECONDS


def dates_of(files: Iterable[str]) -> set[str]:
    """The dates that files of a table belong to."""
    parts = (part for file in files for part in unquote(file).split("/")[-2:-1])
    return {part.removeprefix("date=") for part in parts if part.startswith("date=")}


def recount(spark: SparkSession, config: Config, version: int, dates: Iterable[str]) -> None:
    """Replaces the facts of `dates` by those of the events at `version`."""
    texts = ", ".join(f"'{date}'" for date in dates)
    predicate = f"date in ({texts})"
    events = once_on(read_events(spark, config, version), dates).where(predicate)
    date = F.to_date("window_start").alias("date")
    users = user_facts(events).select("*", date)
    replace_part(users, config, USER_FACTS, "date", predicate)
    counted = read_table(spark, config, USER_FACTS).where(predicate)  # an hour of the clock is in one date
    replace_part(excess(counted, config.rankings.per_user).select("*", date), config, ITEM_EXCESS, "date", predicate)
    replace_part(query_facts(events).select("*", date), config, QUERY_FACTS, "date", predicate)
    before = _noted(spark, config)
    fewer = rows_removed(spark, config, EVENTS, before.get("events_version", version), version)
    taken_at = int(time.time()) if fewer else before.get("taken_at", 0)
    note = json.dumps({"events_version": version, "taken_at": taken_at})
    replace_part(item_facts(events).select("*", date), config, ITEM_FACTS, "date", predicate, note)


def once_on(events: DataFrame, dates: Iterable[str]) -> DataFrame:
    """The events of `dates`, each once. Copies of one from a clock that is ahead are timed by their receipt: the first
    may be of the date before, in its last minutes."""
    ahead = timedelta(milliseconds=MAX_AHEAD_MS)
    days = {date.fromisoformat(text) for text in dates}
    firsts = [datetime.combine(day, clock_time(), timezone.utc) for day in days if day - timedelta(days=1) not in days]
    parts = [(F.col("date") == F.lit((t - ahead).date())) & (F.col("event_time") >= F.lit(t - ahead)) for t in firsts]
    return once_in_batch(events.where(reduce(or_, parts, F.col("date").isin(sorted(days)))))


def horizon_minute(events: DataFrame, config: Config) -> int | None:
    """T in minutes since the epoch; None without events."""
    newest = events.agg(F.max(F.unix_seconds("event_time"))).collect()[0][0]
    if newest is None:
        return None
    segment = config.rankings.segment_minutes
    latest = newest / 60 - duration_ms(config.streaming.watermark) / 60_000
    return int(latest // segment) * segment


def merge(spark: SparkSession, config: Config, horizon: int, fewer: bool) -> bool:
    """Item facts before T that windows show (`fewer`: also what is no more), the bases at T, then T, into Redis. False
    where a newer T stands there: then bases and T stay."""
    back = _stale_minutes(config)
    since = _after_newest(spark, config, horizon, back) - back
    rows = encode(_between(spark, config, since, horizon), config.rankings.definitions)
    if fewer:
        rows = with_gone(rows, standing(spark, config, since, horizon))
    write_encoded(rows, config, BATCH)
    return publish_bases(counted_facts(spark, config), config, horizon)


def _after_newest(spark: SparkSession, config: Config, horizon: int, back: int) -> int:
    """The minute after the newest item fact of the last `back` minutes before T, T without any: windows end there where
    Redis knows no newer one."""
    minute, first = minute_of(F.col("window_start")), datetime.fromtimestamp((horizon - back) * 60, timezone.utc)
    near = read_table(spark, config, ITEM_FACTS).where(F.col("date") >= first.date().isoformat())
    newest = near.agg(F.max(F.when(minute < horizon, minute))).collect()[0][0]
    return horizon if newest is None else int(newest) + 1


def _between(spark: SparkSession, config: Config, since: int, until: int) -> DataFrame:
    """Fused facts of the minutes, and of the hour before what one person did more than once: the cap is an hour's."""
    minute, first = minute_of(F.col("window_start")), datetime.fromtimestamp((since - 60) * 60, timezone.utc)
    near = (F.col("date") >= first.date().isoformat()) & (minute < until)
    items = read_table(spark, config, ITEM_FACTS).where(near & (minute >= since))
    often = read_table(spark, config, USER_FACTS).where(near & (minute >= since - 60) & repeated())
    return fused_items(items).unionByName(fused_users(often))


def with_gone(rows: DataFrame, standing: DataFrame) -> DataFrame:
    """`rows` as `encode` makes them, and for each place that stands in Redis without such a row one whose value is '':
    absolute values say what is, never that something is no more. Only where events were deleted: else what the lake
    lacks are events that it does not have yet."""
    joined = rows.join(standing, list(PLACE), "full_outer")
    value, again = F.coalesce("value", F.lit("")).alias("value"), F.coalesce("repeated", F.lit(True)).alias("repeated")
    return joined.select(*PLACE, again, value).sortWithinPartitions("fact", "minute")


def counted_facts(spark: SparkSession, config: Config) -> DataFrame:
    """`ITEM_FACTS` as rankings count them: without what one person did too often."""
    facts, users = read_table(spark, config, ITEM_FACTS), read_table(spark, config, USER_FACTS)
    return facts.select(*ITEM_FACTS_SCHEMA.fieldNames()).unionByName(excess(users, config.rankings.per_user))


def publish_bases(facts: DataFrame, config: Config, horizon: int) -> bool:
    """The batch part of every decayed ranking at T, then T; False when a newer horizon stands already.

    What the stream has counted since T is added to the bases here, on the executors, as far as it is settled; the one
    step in Redis adds the few minutes after that. When the stream changes a settled minute all the same (it is
    working off a backlog), that step adds everything since T.
    """
    mark = version_name()
    settled = settled_minute(config, mark)
    for until in (settled, None):
        version = f"{horizon}-{version_name()}"
        first_open = horizon if until is None else max(horizon, until + 1)
        for ranking in config.rankings.definitions:
            if ranking.kind == "decay":
                publish_base(_base(facts, config, ranking, horizon, first_open), config, ranking.name, version)
        done = activate(config, version, horizon, first_open, mark)
        if done is not None:
            return done
    return False


def _base(facts: DataFrame, config: Config, ranking: RankingConfig, horizon: int, first_open: int) -> DataFrame:
    base = decayed_base(facts, ranking, horizon)
    if first_open <= horizon:
        return base
    rows = streamed(facts.sparkSession, config, horizon, first_open - 1)
    counted = rows.withColumn("part", F.col("parts")[part(ranking, config.rankings.definitions)])
    both = base.unionByName(decayed(counted, ranking, horizon))
    return both.groupBy("category", "member").agg(F.sum("score").alias("score"))


def _stale_minutes(config: Config) -> int:
    """How far before T a ranking window may still reach: the longest window and one segment."""
    windows = [r.minutes for r in config.rankings.definitions if r.kind == "window"]
    return max(windows, default=0) + config.rankings.segment_minutes


if __name__ == "__main__":
    run_job("facts", run)
