"""Every key that is written goes by itself, or stands in the table of those that do not (in `common.keys`)."""

import re
from collections.abc import Callable
from datetime import datetime, timezone

import httpx
import numpy as np
import orjson
import pyarrow as pa
import pytest
import redis

import common.keys
from batch import als_drift, canary, corrections, ctr_drift, ctr_runs, related_versions
from batch.patterns import ACTIONS
from batch.publish import put_candidates, put_profile
from common.config import Config
from common.keys import Keys
from common.lease import Lease
from common.models.canary import Canary
from common.models.rates import rate_name
from common.redis_client import redis_target
from common.sinks.keyword_baseline import _adding as baseline_writer
from common.sinks.keyword_baseline import activate_baseline
from common.sinks.products import ProductWriter
from common.sinks.rankings import BaseWriter, activate, settled_minute
from common.sinks.rates import RateWriter, serve_rates
from common.sources.catalog import PRODUCT
from serving.guard import PENDING, Guard
from tests.conftest import fresh
from tests.event_factory import event
from tests.integration.item_rows import write_rows
from tests.integration.sinks.views_of import HOUR, item_row, user_row

ROW = re.compile(r"^\| `P:(.+?)` \| \w+ \| (.+?) \|", re.MULTILINE)
NOT_WRITTEN_HERE = {
    "sessions:live": "job sessions: tests/integration/test_sessions.py",
    "als:live": "job als: tests/integration/test_publish.py",
    "progress:<query>": "a running query: tests/integration/test_status.py",
    "account:<query>": "a running query: tests/integration/test_audit.py",
}


@pytest.fixture
def config(platform: Config, tmp_path_factory: pytest.TempPathFactory) -> Config:
    return fresh(platform, tmp_path_factory.mktemp("lifetimes"))


def patterns() -> dict[str, tuple[re.Pattern[str], bool]]:
    """The table's rows: name → pattern of its keys, whether they stay for good."""
    rows = {}
    for name, meaning in ROW.findall(common.keys.__doc__ or ""):
        parts = re.split(r"<[^>]*>", name.replace("\\\\x1f", "\x1f").replace("\\x1f", "\x1f"))
        rows[name] = re.compile(".+?".join(map(re.escape, parts)), re.DOTALL), "no TTL" in meaning
    return rows


def row_of(key: str) -> str:
    """The row of the table that a key belongs to: of several the one that says most of it."""
    matching = [name for name, (pattern, _) in patterns().items() if pattern.fullmatch(key)]
    return max(matching, key=lambda name: len(re.sub("<[^>]*>", "", name)), default="")


def stream(config: Config) -> None:
    query = ("query", HOUR, "", "linen shirt", "u", False, "1")
    write_rows(config, [item_row("i", HOUR, 30), user_row("u", "i", HOUR, 30), query])
    write_rows(config, [item_row("i", HOUR + 1, 30), user_row("u", "i", HOUR + 1, 30)])


def merge(config: Config, client: redis.Redis) -> None:
    rows = pa.RecordBatch.from_pydict({"category": ["c"], "member": ["c\x1fi"], "score": [3.0]})
    target = redis_target(config)
    for version in ("v1", "v2"):
        for name in ("popular", "popular-7d"):
            list(BaseWriter(target, config.redis.prefix, name, version, 3600, 10)(iter([rows])))
        settled_minute(config)
        if version == "v1":
            assert activate(config, version, HOUR)


def keywords(config: Config) -> None:
    rows = pa.RecordBatch.from_pydict({"keyword": ["coat"], "seen": [3.0]})
    list(baseline_writer(redis_target(config), Keys(config.redis.prefix).keyword_version("v"))(iter([rows])))
    assert activate_baseline(config, "v", HOUR - 20, 1.0, [1.0] * 24)


def ranked_by_batch(config: Config) -> None:
    rows = pa.RecordBatch.from_pydict({"category": ["c"], "member": ["c\x1fi"], "score": [0.3]})
    for version in ("v1", "v2"):
        name = rate_name("popular-rate", version)
        list(RateWriter(redis_target(config), config.redis.prefix, name, 10, 4 * 3600)(iter([rows])))
        serve_rates(config, ["popular-rate"], version)
    corrections.publish(config, "v", "popular-fair", ["c"], np.ones((1, 24)), np.ones(24))
    corrections._serve(config, "v")


def products(config: Config) -> None:
    columns = {name: [None, None] for name in PRODUCT} | {"title": ["Coat", None], "price": [3.0, None]}
    order = {"lsn_text": ["1", "2"], "ts_ms": [1, 2], "arrived_ms": [1, 2], "unavailable": [[], []]}
    changes = {"item_id": ["i", "gone"], "op": ["c", "d"], "is_newest": [True, True], **order, **columns}
    rows = pa.RecordBatch.from_pydict(changes)
    list(ProductWriter(redis_target(config), config.redis.prefix, 10)(iter([rows])))


def models(config: Config, client: redis.Redis) -> None:
    keys, pipe, now = Keys(config.redis.prefix), client.pipeline(), datetime.now(timezone.utc)
    put_candidates(keys, "v")(pipe, {"user": "u", "items": [{"item": "i", "score": 0.5}]})
    related = {"kind": "similar", "item": "i", "items": [{"item": "j", "together": 1.0, "als": 0.1}]}
    related_versions.put_lists(keys, "v")(pipe, related)
    lists: dict[str, list[object]] = {n: [] for n in ("categories", "styles", "brands", "bands", "last", "prices")}
    pattern = {"hours": [1] * 24, "counts": [1] * len(ACTIONS), "visits": 1}
    put_profile(keys)(pipe, {"user": "u", "bought": ["i"], "pattern": pattern, "as_of_ms": 1, "until_ms": 1, **lists})
    pipe.execute()
    related_versions.move_pointer(config, "v")
    ctr_runs.put(config, "v", "{}")
    ctr_runs.move_pointer(config, "v")
    ctr_drift.publish(config, "v", now, {"hour": 0.1}, {})
    als_drift.publish(config, "v", now, {"users": 0.1})
    canary.put(config, Canary("v", 0.1))


def collector(api: httpx.Client) -> None:
    anonymous = event("view", user_id=None, session_id="s", price=2.0)
    both = event("view", user_id="u", session_id="s", category="c", price=2.0)
    for body in (anonymous, both, event("exposure", user_id="u", surface="now", position=1)):
        answer = api.post("/v1/events", json=body)
        assert answer.json() == {"accepted": 1, "rejected": []}
    assert api.delete("/v1/users/somebody-else").status_code == 202


@pytest.fixture
def written(config: Config, api: httpx.Client, redis_conn: redis.Redis) -> dict[str, int]:
    """Key, without its prefix → seconds that it had yet, the fewest after any of the writers; negative: for good."""
    guard = Guard(Keys(config.redis.prefix), config.serving.ack_timeout_seconds)
    writers: list[Callable[[], object]] = [
        lambda: products(config),
        lambda: stream(config),
        lambda: merge(config, redis_conn),
        lambda: stream(config),
        lambda: keywords(config),
        lambda: ranked_by_batch(config),
        lambda: models(config, redis_conn),
        lambda: collector(api),
        lambda: guard.claim(redis_conn, ["on-its-way"]),
        lambda: Lease(config, "batch als").take(),
    ]
    fewest: dict[str, int] = {}
    for writer in writers:
        writer()
        for name in redis_conn.scan_iter(f"{config.redis.prefix}:*"):
            key, seconds = name.decode().removeprefix(f"{config.redis.prefix}:"), redis_conn.ttl(name)
            fewest[key] = min(fewest.get(key, seconds), seconds)
    return fewest


def test_every_key_of_every_writer_has_a_lifetime_or_stands_in_the_table_of_those_without(
    written: dict[str, int], config: Config, redis_conn: redis.Redis
) -> None:
    rows = {key: row_of(key) for key in written}
    assert [key for key, row in rows.items() if not row] == [], "in no row of the table"
    assert {key: rows[key] for key, seconds in written.items() if seconds < 0 and not patterns()[rows[key]][1]} == {}
    not_reached = patterns().keys() - set(rows.values())
    assert not_reached == NOT_WRITTEN_HERE.keys(), "a row of the table of which this test writes no key"
    keys = Keys(config.redis.prefix)
    assert (redis_conn.get(keys.seen("on-its-way")) or b"").startswith(PENDING)
    assert 0 < written["p:{gone}"] <= 90 * 86400
    assert orjson.loads(redis_conn.get(keys.canary) or b"")["version"] == "v"


def test_facts_outlive_the_minute_that_they_are_subtracted_by(written: dict[str, int], config: Config) -> None:
    """What leaves a window is taken off as long as `as_of` stands, so that its facts must stand by then."""
    facts = [seconds for key, seconds in written.items() if row_of(key) in ("{item}:f:<minute>", "{item}:x:<minute>")]
    assert len(facts) == 4
    longest = max(r.minutes for r in config.rankings.definitions if r.kind == "window")
    assert min(facts) >= written["{item}:as_of"] + longest * 60


def test_a_category_without_scores_leaves_the_index_at_the_next_merge(config: Config, redis_conn: redis.Redis) -> None:
    keys = Keys(config.redis.prefix)
    redis_conn.zadd(keys.tree, {"invented": 0, "viewed": 0})
    redis_conn.zadd(keys.ranking("views-1h", "viewed"), {"viewed\x1fi": 1})
    merge(config, redis_conn)
    assert set(redis_conn.zrange(keys.tree, 0, -1)) == {b"c", b"viewed"}


def test_categories_that_only_the_batch_layer_knows_go_too(config: Config, redis_conn: redis.Redis) -> None:
    tree = Keys(config.redis.prefix).tree
    longest = max(r.minutes * 60 * 30 for r in config.rankings.definitions)  # what ranks is not to outlive its name
    for writer, seconds in ((lambda: merge(config, redis_conn), longest), (lambda: ranked_by_batch(config), 4 * 3600)):
        redis_conn.delete(tree)
        writer()
        assert redis_conn.zrange(tree, 0, -1) == [b"c"]
        assert seconds - 60 < redis_conn.ttl(tree) <= seconds
