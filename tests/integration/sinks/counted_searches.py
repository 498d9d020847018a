"""The keyword sink, and beside it in plain sets what each layer has seen: window and baselines are the formula."""

import uuid
from dataclasses import dataclass, field

import pytest
import redis

from common.config import Config
from common.keys import Keys
from tests.integration.search_rows import EVEN, WINDOW, Fact, baseline, key_of, publish, usual, window, write, zset

BUSY_BY_DAY = tuple(1.5 if 8 <= hour < 20 else 0.5 for hour in range(24))


@dataclass
class CountedSearches:
    """Redis by the code under test, and what it has to hold."""

    config: Config
    client: redis.Redis
    heard: set[Fact] = field(default_factory=set)  # as minutes' counts stand in Redis
    based: set[Fact] = field(default_factory=set)  # what baselines count, once it has left the window
    lake: set[Fact] = field(default_factory=set)
    over: set[tuple[int, str]] = field(default_factory=set)  # (minute, keyword) whose people Redis may not know now
    closed: set[int] = field(default_factory=set)  # minutes that left the window before the baselines began anew
    newest_batch: list[Fact] = field(default_factory=list)
    as_of: int | None = None  # None: Redis does not know
    horizon: int = -1
    hours: tuple[float, ...] = EVEN
    idle: int = 0  # seconds since the last write

    def write(self, facts: list[Fact], batches: int = 1) -> None:
        """The stream counts more people. Of minutes that left the window people are known a quarter of an hour."""
        known = {named(f) for f in self.heard}
        if self.as_of is None and facts:  # baselines begin anew, without what will have left the window
            begins = self.newest_from(max(minute for minute, _, _ in facts))
            self.closed = {minute for minute, _, _ in self.heard if minute <= begins - WINDOW}
        taken = [f for f in facts if named(f) in known or not self.is_over(f)]
        self.lake |= set(taken)
        self.newest_batch = taken
        self.write_again(batches)

    def is_over(self, fact: Fact) -> bool:
        return fact[0] in self.closed or (fact[0], key_of(fact[2])) in self.over

    def write_again(self, batches: int = 1) -> None:
        """The newest rows in any number of batches."""
        for batch in range(batches):
            facts = self.newest_batch[batch::batches]
            if facts:
                write(self.config, facts)
                self.taken(facts)

    def taken(self, facts: list[Fact]) -> None:
        """What Redis has after these rows: of older minutes than it keeps, nothing."""
        newest, known = max(minute for minute, _, _ in facts), {named(f) for f in self.heard}
        if self.as_of is None:
            self.as_of = self.newest_from(newest)
            self.closed = {minute for minute, _, _ in self.heard if minute <= self.as_of - WINDOW}
            self.based = {f for f in self.heard if f[0] not in self.closed}
        self.as_of, self.idle = max(newest, self.as_of), 0
        oldest = self.as_of - self.config.keywords.retention_minutes + 1
        self.heard = {f for f in self.heard | set(facts) if f[0] >= oldest}
        self.based |= {f for f in facts if f[0] >= max(self.horizon, oldest) and named(f) not in known}

    def newest_from(self, minute: int) -> int:
        """What Redis takes for the newest minute where it does not know."""
        return max([minute, *(m for m, _, _ in self.heard if m >= minute)])

    def lose(self) -> None:
        """Redis is empty; the stream goes on."""
        self.heard, self.hours, self.over, self.closed = set(), EVEN, set(), set()
        self._unknown()

    def lose_newest(self) -> None:
        """As if it had expired: baselines begin from nothing."""
        self.client.delete(Keys(self.config.redis.prefix).keyword_meta)
        self._unknown()

    def _unknown(self) -> None:
        self.based, self.horizon, self.as_of = set(), -1, None

    def passed(self, seconds: int) -> None:
        """Redis' clock was moved on, not by so much that anything but people expires."""
        self.idle += seconds
        if self.as_of is not None:
            self.over |= {(m, key_of(text)) for m, _, text in self.heard if m <= self.as_of - WINDOW}

    def expired(self) -> None:
        """All has gone by itself."""
        self.newest_batch = []
        self.lose()

    def forget(self, user: str) -> None:
        """Deletes one's searches from the lake before T."""
        self.lake = {f for f in self.lake if f[1] != user or f[0] >= self.horizon}

    def merge(self, horizon: int) -> None:
        """As the job does it. Where Redis does not know its newest minute, T lies within what is kept before it."""
        kept = self.config.keywords.retention_minutes
        if self.as_of is None and horizon <= max((m for m, _, _ in self.heard), default=0) - kept:
            return
        before = [f for f in self.lake if f[0] < horizon]
        refused = horizon < self.horizon or (self.as_of is not None and horizon <= self.as_of - kept)
        done = publish(self.client, self.config, before, horizon, uuid.uuid4().hex, BUSY_BY_DAY)
        assert done is not refused
        if done:
            self.horizon, self.hours = horizon, BUSY_BY_DAY
            self.based = set(before) | {f for f in self.heard if f[0] >= horizon}
            known = self.newest_from(horizon) if self.as_of is None else self.as_of
            self.as_of = max(known, horizon + WINDOW - 1)
            self.heard = {f for f in self.heard if f[0] > self.as_of - kept}
            self.closed = set()

    def check(self) -> None:
        """Window and baselines are the formula."""
        keys = Keys(self.config.redis.prefix)
        newest = self.client.hget(keys.keyword_meta, "as_of")
        assert (None if newest is None else int(newest)) == self.as_of
        if self.as_of is not None:
            assert zset(self.client, keys.keyword_window) == window(sorted(self.heard), self.as_of)
            (seen, mass), at = baseline(self.client, self.config, self.as_of), self.as_of
            wanted, wanted_mass = usual(sorted(self.based), at, hours=self.hours)
            for key in seen.keys() | wanted.keys():
                assert seen.get(key, 0.0) == pytest.approx(wanted.get(key, 0.0), rel=1e-9, abs=1e-12), key
            assert mass == pytest.approx(wanted_mass, rel=1e-9, abs=1e-12)


def named(fact: Fact) -> Fact:
    """Minute, who, keyword."""
    return fact[0], fact[1], key_of(fact[2])
