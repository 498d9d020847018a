"""The item sink, and beside it in plain Python what each layer has seen: whatever happens, rankings are a count."""

import random
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest
import redis

from common.config import Config
from common.keys import ALL, SEPARATOR, Keys
from common.redis_client import redis_target
from common.sinks.rankings import BaseWriter, FactReader, activate, settled_minute
from common.sinks.redis_facts import BATCH, RESTORE
from common.sinks.standing import Items, People, PlaceReader
from common.views.rankings import part
from tests.integration.item_rows import ranking, write_rows
from tests.integration.sinks.views_of import CATEGORY, Views, counted, decayed, rows_of, windowed

MOST = 3  # the cap
OTHER = "d"  # the second category: items d/…
BACK = 1440 + 10  # minutes before T that the job corrects: the longest window and a segment
PLACES = ["T", "last settled", "first open", "newest"]  # of what the stream writes while a merge reads
LOSSES = ["nothing", "nothing", "nothing", "the note of what changed", "all"]
Meanwhile = list[tuple[str, str, str, int]]  # user, item, place, views


@dataclass
class CountedShop:
    """Redis by the code under test, and what it has to hold."""

    config: Config
    client: redis.Redis
    streamed: Views = field(default_factory=dict)  # the stream's state, which outlives Redis
    lake: Views = field(default_factory=dict)
    facts: Views = field(default_factory=dict)  # as they stand in Redis
    decaying: Views = field(default_factory=dict)  # what decayed rankings count
    faded: Views = field(default_factory=dict)  # what counts only in those that stand for longer than facts
    newest_batch: set[tuple[str, int]] = field(default_factory=set)
    horizon: int = -1
    as_of: int | None = None  # None: Redis does not know
    idle: int = 0  # seconds since the last write

    def write(self, more: Views, order: int = 0, batches: int = 1) -> None:
        """The stream counts more views."""
        for key, n in more.items():
            self.streamed[key] = self.streamed.get(key, 0) + n
            self.lake[key] = self.lake.get(key, 0) + n
        self.newest_batch = {key[1:] for key in more}
        self.write_again(order, batches)

    def write_again(self, order: int = 0, batches: int = 1) -> None:
        """The newest facts, whole, in any order and number of batches; Redis takes those from the horizon on."""
        rows = rows_of(self.streamed, self.newest_batch)
        random.Random(order).shuffle(rows)
        for batch in range(batches):
            if rows[batch::batches]:
                write_rows(self.config, rows[batch::batches])
        if rows:
            self.moved_on(max(row[1] for row in rows))
        taken = {k: n for k, n in self.streamed.items() if k[1:] in self.newest_batch and k[2] >= self.horizon}
        self.facts |= taken
        self.decaying |= taken

    def moved_on(self, newest: int) -> None:
        """Redis has got rows up to this minute; where it does not know the newest one, facts may be newer."""
        known = [self.as_of] if self.as_of is not None else [m for _, _, m in self.facts]
        self.as_of, self.idle = max([newest, *known]), 0

    def lose(self) -> None:
        """Redis is empty; the stream goes on."""
        self.client.flushdb()
        self.facts, self.decaying, self.faded, self.horizon, self.as_of = {}, {}, {}, -1, None

    def lose_newest(self) -> None:
        """As if it had expired."""
        self.client.delete(Keys(self.config.redis.prefix).as_of)
        self.as_of = None

    def passed(self, seconds: int) -> None:
        """Redis' clock was moved on, not by so much that facts expire."""
        self.idle += seconds
        if not self.client.exists(Keys(self.config.redis.prefix).as_of):
            self.as_of = None

    def expired(self) -> None:
        """All facts have gone by themselves; what they count in the longest rankings stands."""
        self.faded |= self.decaying
        self.streamed, self.facts, self.decaying, self.newest_batch, self.as_of = {}, {}, {}, set(), None

    def forget(self, user: str) -> None:
        """Deletes one's views from the lake before T. They stand in Redis until the next merge."""
        self.delete([key for key in self.lake if key[0] == user])

    def delete(self, keys: list[tuple[str, str, int]]) -> None:
        """Deletes these views from the lake before T, as an operator may."""
        for key in keys:
            if key[2] < self.horizon:
                del self.lake[key]
                self.streamed.pop(key, None)

    def rebuild(self, horizon: int) -> None:
        """The job of that name: all that the lake has of the hours that Redis keeps, then the merge."""
        since = max((key[2] for key in self.lake), default=0) - self.config.rankings.retention_hours * 60
        kept = {key: n for key, n in self.lake.items() if key[2] > since}
        if kept:
            write_rows(self.config, rows_of(kept), RESTORE)
            self.moved_on(max(key[2] for key in kept))
        known = {key[1:] for key in self.facts if key[2] >= self.horizon}
        taken = {key: n for key, n in kept.items() if key[1:] not in known}
        pairs = {key[1:] for key in taken}
        self.facts = {key: n for key, n in self.facts.items() if key[1:] not in pairs} | taken
        self.decaying |= {key: n for key, n in taken.items() if key[2] >= self.horizon}
        self.merge(horizon, {}, "nothing", [])

    def merge(self, horizon: int, late: Views, loss: str, meanwhile: Meanwhile) -> bool:
        """As the job does it; the lake has `late` views more. While it reads something is lost, or written. Returns
        whether Redis was emptied."""
        self.correct(horizon)
        if horizon < self.horizon:
            before = self.scores()
            assert activate(self.config, "older", horizon) is False
            assert self.scores() == before
            return False
        for key, n in late.items():
            self.lake[key] = self.lake.get(key, 0) + n
        self.correct(horizon)
        settled = settled_minute(self.config)
        assert settled == (None if self.as_of is None else self.as_of - 2 - 1)  # the watermark is two minutes
        first_open = horizon if settled is None else max(horizon, settled + 1)
        version = self.publish(horizon, first_open)
        changed = self.meanwhile(horizon, first_open, loss, meanwhile)
        stale = first_open > horizon and (loss != "nothing" or any(key[2] < first_open for key in changed))
        before = self.scores()
        assert activate(self.config, version, horizon, first_open) is (None if stale else True)
        if stale:
            assert self.scores() == before
        if stale or loss == "all":
            self.correct(horizon)
            version = self.publish(horizon, horizon)
            assert activate(self.config, version, horizon)
        self.horizon = horizon
        assert activate(self.config, version, horizon, first_open)  # the answer was lost, asked again
        self.faded = {}
        self.decaying = {key: n for key, n in self.lake.items() if key[2] < horizon}
        self.decaying |= {key: n for key, n in self.facts.items() if key[2] >= horizon}
        return loss == "all"

    def meanwhile(self, horizon: int, first_open: int, loss: str, written: Meanwhile) -> Views:
        """What happens while the job reads; returns what was written."""
        if loss == "all":
            self.lose()
        elif loss != "nothing":
            self.client.delete(Keys(self.config.redis.prefix).low)
        newest = max(first_open, self.as_of or first_open)
        minutes = dict(zip(PLACES, (horizon, first_open - 1, first_open, newest), strict=True))
        changed = {(user, item, max(horizon, minutes[place])): n for user, item, place, n in written}
        if changed:
            self.write(changed)
        return changed

    def correct(self, horizon: int) -> None:
        """The batch layer's facts before T replace the stream's; of people also those earlier in the hour. What stands
        without any goes."""
        day = (horizon - BACK) // 1440 * 1440
        first = 1 + max((key[2] for key in self.lake if day <= key[2] < horizon), default=horizon - 1) - BACK
        before = {key: n for key, n in self.lake.items() if first - 60 <= key[2] < horizon}
        rows = [row for row in rows_of(before) if row[1] >= first or row[0] == "user"]
        rows = [row for row in rows if row[0] == "item" or row[5]]
        rows += [(*place, True, "") for place in self.standing(first, horizon) - {row[:5] for row in rows}]
        if rows:
            write_rows(self.config, rows, BATCH)
            self.moved_on(max(row[1] for row in rows))
        now = {key: n for key, n in before.items() if key[2] >= first}
        self.facts = {key: n for key, n in self.facts.items() if not first <= key[2] < horizon} | now

    def standing(self, first: int, until: int) -> set[tuple[Any, ...]]:
        """What the job finds in Redis."""
        found: set[tuple[Any, ...]] = set()
        for of, numbers in ((Items(), (first, until)), (People(), ((first - 60) // 60, (until - 1) // 60 + 1))):
            reader = PlaceReader(redis_target(self.config), self.config.redis.prefix, of)
            ids = pa.RecordBatch.from_pydict({"id": list(range(*numbers))})
            found |= {tuple(row.values()) for out in reader(iter([ids])) for row in out.to_pylist()}
        return {row for row in found if first - 60 * (row[0] == "user") <= row[1] < until}

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
                    name, n = f"{row['category']}{SEPARATOR}{row['item_id']}", row["parts"][part(r, definitions)]
                    scores[name] = scores.get(name, 0.0) + n * 2.0 ** ((row["minute"] - horizon) / r.minutes)
                categories = [name.split(SEPARATOR)[0] for name in scores]
                batch = {"category": categories, "member": list(scores), "score": list(scores.values())}
                writer = BaseWriter(redis_target(self.config), prefix, r.name, version, 3600, 2)
                list(writer(iter([pa.RecordBatch.from_pydict(batch)])) if scores else [])
        return version

    def scores(self) -> dict[tuple[str, str], dict[str, float]]:
        """Everything that is ranked, as it stands."""
        names = [r.name for r in self.config.rankings.definitions]
        return {(n, s): ranking(self.client, self.config, n, s) for n in names for s in (ALL, CATEGORY, OTHER)}

    def check(self, at: int) -> None:
        """Rankings are the recount of what counts; the decayed ones as they have decayed at minute `at`."""
        keys, stands = Keys(self.config.redis.prefix), self.scores()
        newest = self.client.get(keys.as_of)
        assert (None if newest is None else int(newest)) == self.as_of
        inside = counted(self.facts, MOST)
        for r in self.config.rankings.definitions:
            if r.kind == "window":
                expected = windowed(inside, self.as_of or 0, r.minutes) if self.as_of is not None else None
                by = 1.0
            else:
                longest = r.minutes * 30 > 40 * 1440
                expected = decayed(counted(self.decaying | (self.faded if longest else {}), MOST), at, r.minutes)
                by = 2.0 ** ((int(self.client.get(keys.landmark(r.name)) or 0) - at) / r.minutes)
            if expected is not None:
                for scope in (ALL, CATEGORY, OTHER):
                    same(stands[r.name, scope], by, in_scope(expected, scope), (r.name, scope))


def in_scope(scores: dict[str, float], scope: str) -> dict[str, float]:
    """Those of one category, or all."""
    return {name: n for name, n in scores.items() if scope in (ALL, name.split(SEPARATOR)[0])}


def same(stands: dict[str, float], by: float, expected: dict[str, float], what: object) -> None:
    """Equal, where what has decayed to nothing may stand or not."""
    both: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for place, scores, factor in ((0, stands, by), (1, expected, 1.0)):
        for name, score in scores.items():
            both[name][place] = score * factor
    found, wanted = ({name: pair[n] for name, pair in both.items()} for n in (0, 1))
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-12), what
