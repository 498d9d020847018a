"""Writes, losses and merges in any order against a recount of what counts: batch up to T, the stream from T on."""

import dataclasses
import uuid
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.config import Config
from common.keys import ALL, Keys
from common.redis_client import redis_target
from common.sinks.rankings import BaseWriter, FactReader, activate, settled_minute
from common.sinks.redis_facts import BATCH
from common.views.rankings import part
from tests.integration.item_rows import ranking, write_rows
from tests.integration.sinks.views_of import (
    CATEGORY,
    HOUR,
    Views,
    capped,
    counted,
    decayed,
    decayed_in_redis,
    item_row,
    rows_of,
    user_row,
    windowed,
)

MOST = 3
# Few, so that writes and horizons meet: on both sides of an hour of the clock, next to each other and far apart.
MINUTES = [HOUR + n for n in (0, 1, 2, 28, 29, 30, 31, 57, 58, 59, 60, 61, 62, 63, 90, 118, 121)]
views = st.tuples(st.sampled_from("uv"), st.sampled_from("ij"), st.sampled_from(MINUTES))
write = st.lists(st.tuples(views, st.integers(1, 4)), min_size=1, max_size=6)
LOSSES = ["nothing", "nothing", "nothing", "the note of what changed", "all"]
PLACES = ["T", "last settled", "first open", "newest"]  # of what the stream writes while a merge reads
streamed_meanwhile = st.tuples(st.sampled_from("uv"), st.sampled_from("ij"), st.sampled_from(PLACES), st.integers(1, 4))
merge = st.tuples(st.sampled_from(MINUTES), write, st.sampled_from(LOSSES), st.lists(streamed_meanwhile, max_size=3))
steps = st.one_of(
    st.tuples(st.just("write"), write), st.tuples(st.just("lose"), st.none()), st.tuples(st.just("merge"), merge)
)


@dataclass
class Shop:
    """Redis by the code under test, and beside it in plain Python what each layer has seen."""

    config: Config
    client: redis.Redis
    streamed: Views = field(default_factory=dict)  # the stream's state, which outlives Redis
    lake: Views = field(default_factory=dict)
    known: Views = field(default_factory=dict)  # what counts in Redis
    horizon: int = -1
    as_of: int = -1

    def write(self, more: list[tuple[tuple[str, str, int], int]]) -> None:
        """The stream counts more views: whole facts, of which Redis takes those from the horizon on."""
        for key, n in more:
            self.streamed[key] = self.streamed.get(key, 0) + n
            self.lake[key] = self.lake.get(key, 0) + n
        pairs = {(item, minute) for (_, item, minute), _ in more}
        write_rows(self.config, rows_of(self.streamed, pairs))
        self.as_of = max(self.as_of, *(minute for _, minute in pairs))
        self.known |= {k: n for k, n in self.streamed.items() if k[1:] in pairs and k[2] >= self.horizon}

    def lose(self) -> None:
        """Redis is empty; the stream goes on."""
        keys = list(self.client.scan_iter(f"{self.config.redis.prefix}:*"))
        if keys:
            self.client.delete(*keys)
        self.known, self.horizon, self.as_of = {}, -1, -1

    def merge(self, horizon: int, late: Any, loss: str, meanwhile: Any) -> None:
        """As the job does it; the lake has `late` views more. While it reads something is lost, or written."""
        if horizon < self.horizon:
            before = self.scores()
            assert activate(self.config, "older", horizon) is False
            assert self.scores() == before
            return
        for key, n in late:
            if key[2] < horizon:
                self.lake[key] = self.lake.get(key, 0) + n
        self.correct(horizon)
        settled = settled_minute(self.config)
        assert settled == (None if self.as_of < 0 else self.as_of - 2 - 1)  # the watermark is two minutes
        first_open = horizon if settled is None else max(horizon, settled + 1)
        version = self.publish(horizon, first_open)
        if loss == "all":
            self.lose()
        elif loss != "nothing":
            self.client.delete(Keys(self.config.redis.prefix).low)
        minutes = dict(zip(PLACES, (horizon, first_open - 1, first_open, max(self.as_of, first_open)), strict=True))
        changed = [((user, item, max(horizon, minutes[place])), n) for user, item, place, n in meanwhile]
        if changed:
            self.write(changed)
        before = self.scores()
        stale = first_open > horizon and (loss != "nothing" or any(key[2] < first_open for key, _ in changed))
        done = activate(self.config, version, horizon, first_open)
        assert done is (None if stale else True)
        if stale:
            assert self.scores() == before
        if stale or loss == "all":
            self.correct(horizon)
            version = self.publish(horizon, horizon)
            assert activate(self.config, version, horizon)
        self.horizon = horizon
        self.known |= {key: n for key, n in self.lake.items() if key[2] < horizon}
        assert activate(self.config, version, horizon, first_open)  # the answer was lost, asked again

    def correct(self, horizon: int) -> None:
        """The batch layer's facts before T replace the stream's."""
        before = {key: n for key, n in self.lake.items() if key[2] < horizon}
        if before:
            write_rows(self.config, rows_of(before), BATCH)
            self.as_of = max(self.as_of, *(minute for _, _, minute in before))

    def publish(self, horizon: int, first_open: int) -> str:
        """The bases at T: the lake's recount, and what the stream has counted before `first_open`."""
        version, prefix = uuid.uuid4().hex, self.config.redis.prefix
        minutes = pa.RecordBatch.from_pydict({"id": list(range(horizon, first_open))})
        reader = FactReader(redis_target(self.config), prefix)
        rows = [row for out in reader(iter([minutes])) for row in out.to_pylist()]
        recount = counted({key: n for key, n in self.lake.items() if key[2] < horizon}, MOST)
        definitions = self.config.rankings.definitions
        for r in definitions:
            if r.kind == "decay":
                scores = decayed(recount, horizon, r.minutes)
                for row in rows:
                    name, n = f"{row['category']}\x1f{row['item_id']}", row["parts"][part(r, definitions)]
                    scores[name] = scores.get(name, 0.0) + n * 2.0 ** ((row["minute"] - horizon) / r.minutes)
                batch = {"category": [CATEGORY] * len(scores), "member": list(scores), "score": list(scores.values())}
                writer = BaseWriter(redis_target(self.config), prefix, r.name, version, 3600, 2)
                list(writer(iter([pa.RecordBatch.from_pydict(batch)])) if scores else [])
        return version

    def scores(self) -> dict[tuple[str, str], dict[str, float]]:
        """Everything that is ranked, as it stands."""
        names = [r.name for r in self.config.rankings.definitions]
        return {(n, s): ranking(self.client, self.config, n, s) for n in names for s in (ALL, CATEGORY)}

    def check(self) -> None:
        """Rankings are the recount of what counts."""
        counts, at = counted(self.known, MOST), MINUTES[-1]
        for r in self.config.rankings.definitions:
            for scope in (ALL, CATEGORY):
                if r.kind == "window":
                    expected = windowed(counts, self.as_of, r.minutes)
                    stands = ranking(self.client, self.config, r.name, scope)
                else:
                    expected = decayed(counts, at, r.minutes)
                    stands = decayed_in_redis(self.client, self.config, r.name, at, r.minutes, scope)
                stands = {name: score for name, score in stands.items() if abs(score) > 1e-12}
                assert stands == pytest.approx(expected, rel=1e-9, abs=1e-12), (r.name, scope)


@pytest.fixture
def shop(config: Config, redis_conn: redis.Redis) -> Shop:
    return Shop(capped(config, MOST), redis_conn)


def test_a_merge_gives_way_when_only_what_the_cap_takes_off_a_settled_minute_has_changed(shop: Shop) -> None:
    """The items' rows of a micro-batch are written before its people's, and a merge may begin between them."""
    write_rows(shop.config, [item_row("i", HOUR, 9), item_row("i", HOUR + 9, 1)])
    assert settled_minute(shop.config) == HOUR + 6
    write_rows(shop.config, [user_row("u", "i", HOUR + 6, 9)])
    assert activate(shop.config, "v", HOUR, HOUR + 7) is None


@settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(write, st.lists(steps, min_size=1, max_size=7))
def test_however_writes_losses_and_merges_follow_each_other_rankings_are_a_recount(
    shop: Shop, first: Any, taken: list[tuple[str, Any]]
) -> None:
    fresh = dataclasses.replace(shop.config.redis, prefix=f"{shop.config.redis.prefix}{uuid.uuid4().hex[:6]}")
    own = Shop(dataclasses.replace(shop.config, redis=fresh), shop.client)
    for name, given_to in [("write", first), *taken]:
        if name == "write":
            own.write(given_to)
        elif name == "lose":
            own.lose()
        else:
            own.merge(*given_to)
        own.check()
    own.lose()
