"""Job `rebuild`: everything in Redis that Delta can restore, after Redis was emptied or lost.

Products from `catalog`, facts and rankings from the lake (recounted first), what is usual by category and hour, rates,
usual search rates, the live session index, the live models, related items and the long-term profiles. Kafka is not read
(docs/adr/0007): the lake has what it had, and the stream goes on from its own offsets. Run again, it changes nothing.
What the stream has written since stays: after T only what is absent is added. A minute that was going on when Redis was
lost may lack some events until the next `facts` run.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch import (
    als,
    canary,
    corrections,
    ctr_runs,
    facts,
    forget,
    keywords,
    models,
    rates,
    registry,
    related_versions,
    session_versions,
)
from batch.entry import run_job
from batch.fused import fused_items, fused_users
from batch.outcome import Outcome
from batch.pointer import restore
from batch.tables import newest_version, read_events, until_now
from common.config import Config
from common.errors import UnavailableError
from common.keys import Keys
from common.models.canary import Canary
from common.redis_client import redis_target
from common.sinks.products import write_products
from common.sinks.redis_facts import RESTORE, write_facts
from common.sources.lake import CATALOG, EVENTS, ITEM_FACTS, USER_FACTS, exists, read_table

Say = Callable[[str], None]


def run(spark: SparkSession, config: Config, say: Say = print) -> Outcome:
    """Restores step by step; `say` gets a line for each."""
    if not exists(spark, config, EVENTS):
        return Outcome("no-data", "nothing restored: 0 events in the lake")
    steps = list(_steps(spark, config))
    for number, (name, step) in enumerate(steps, 1):
        say(f"[{number}/{len(steps)}] {name}: {step()}")
    return Outcome("done", f"restored from {config.lake_path}")


def _steps(spark: SparkSession, config: Config) -> Iterator[tuple[str, Callable[[], str]]]:
    version = newest_version(spark, config, EVENTS)
    events = read_events(spark, config, version)
    yield "products", lambda: f"{_products(spark, config)} items"
    yield "facts recounted", lambda: f"{_recounted(spark, config, version)} dates"
    yield "forgotten users", lambda: f"{forget.mark(spark, config)} marked"
    yield "item facts", lambda: f"{_item_facts(spark, config)} minutes of items"
    yield "user facts", lambda: f"{_user_facts(spark, config)} minutes of users"
    yield "decayed rankings", lambda: _bases(spark, config, events)
    yield "categories in use", lambda: f"{_categories(config)}"
    yield "corrections", lambda: corrections.restore(spark, config)
    yield "rates", lambda: rates.run(spark, config).message
    yield "keywords", lambda: keywords.run(spark, config).message
    yield "session index", lambda: restore(spark, config, session_versions.POINTER)
    yield "model", lambda: _model(spark, config)
    yield "click-through model", lambda: restore(spark, config, ctr_runs.POINTER)
    yield "related items", lambda: restore(spark, config, related_versions.POINTER)
    yield "long-term profiles", lambda: f"{_profiles(config, events)} users"


def _products(spark: SparkSession, config: Config) -> int:
    if not exists(spark, config, CATALOG):
        return 0
    return write_products(read_table(spark, config, CATALOG), config)


def _recounted(spark: SparkSession, config: Config, version: int) -> int:
    dates = facts.changed_dates(spark, config, version)
    if dates:
        facts.recount(spark, config, version, dates)
    return len(dates)


def _item_facts(spark: SparkSession, config: Config) -> int:
    recent = newest_hours(read_table(spark, config, ITEM_FACTS), config.rankings.retention_hours)
    return write_facts(fused_items(recent), config, RESTORE)[0]


def _user_facts(spark: SparkSession, config: Config) -> int:
    recent = newest_hours(read_table(spark, config, USER_FACTS), config.profile.ttl_hours)
    return write_facts(fused_users(recent), config, RESTORE)[0]


def newest_hours(table: DataFrame, hours: int) -> DataFrame:
    """The facts of the `hours` before the newest of them."""
    table = until_now(table, "window_start")
    newest = table.agg(F.unix_seconds(F.max("window_start"))).collect()[0][0] or 0
    since = datetime.fromtimestamp(newest, timezone.utc) - timedelta(hours=hours)
    return table.where((F.col("date") >= F.lit(since.date())) & (F.col("window_start") > F.lit(since)))


def _bases(spark: SparkSession, config: Config, events: DataFrame) -> str:
    horizon = facts.horizon_minute(events, config)
    if horizon is None:
        return "no events"
    moved = facts.merge(spark, config, horizon, facts.took_back(spark, config))
    return f"up to {datetime.fromtimestamp(horizon * 60, timezone.utc):%Y-%m-%dT%H:%MZ}" if moved else "newer in Redis"


def _categories(config: Config) -> int:
    """Those of the rankings are known to the collector, whatever was sent since Redis was lost."""
    keys = Keys(config.redis.prefix)
    with redis_target(config).connect() as client:
        ranked: list[bytes] = [name for name in client.zrange(keys.tree, 0, -1) if name]  # type: ignore[union-attr]
        if ranked:
            client.zadd(keys.categories, dict.fromkeys(ranked, int(time.time())))
        return len(ranked)


def _model(spark: SparkSession, config: Config) -> str:
    live, beside = models.live_version(config), canary.running(config)
    if not live:
        history = registry.moves(spark, config)
        live, move = next(reversed(registry.lived(history)), ""), registry.running_canary(history)
        beside = Canary(move.version, move.share) if move and move.share else None
    if not live:
        return "none was live"
    try:
        users = models.publish(spark, config, live)
    except UnavailableError as error:  # its lists are gone from the lake: the other steps restore all the same
        return f"not restored: {error}"
    said = f"{live}, {users} users"
    if beside is not None:
        said += f"; {_canary(spark, config, beside)}"
    with redis_target(config).connect() as client:  # last: until it is there another try starts from the history
        client.set(Keys(config.redis.prefix).live_model, live)
    return said


def _canary(spark: SparkSession, config: Config, beside: Canary) -> str:
    try:
        models.publish(spark, config, beside.version)
    except UnavailableError as error:
        return f"canary not restored: {error}"
    canary.put(config, beside)
    return f"canary {beside}"


def _profiles(config: Config, events: DataFrame) -> int:
    newest = events.agg(F.unix_millis(F.max("event_time"))).collect()[0][0] or 0
    return models.publish_profiles(als.profiles(events, config, int(newest)), config)


if __name__ == "__main__":
    run_job("rebuild", run)
