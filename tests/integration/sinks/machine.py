"""Whatever follows whatever in a shop: after each step its rankings and keywords are a plain count."""

from typing import Any

import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from common.config import Config
from common.redis_client import redis_target
from tests.integration.redis_clock import DAY, HOUR, MINUTE, let_pass
from tests.integration.search_rows import Fact
from tests.integration.sinks.counted_searches import CountedSearches
from tests.integration.sinks.counted_shop import LOSSES, MOST, PLACES, CountedShop
from tests.integration.sinks.views_of import HOUR as START
from tests.integration.sinks.views_of import Views, capped

# Minutes before now: next to each other, at the edges of the windows and on both sides of an hour of the clock.
AGO = [0, 0, 0, 0, 1, 2, 3, 8, 9, 10, 11, 28, 29, 30, 31, 58, 59, 60, 61, 62, 90, 1438, 1439, 1440, 1441]
PAST_HORIZON = [0, 1, 2, 3, 5, 9, 10, 11, 30, 59, 60, 61, 130]
users, items = st.sampled_from("uvw"), st.sampled_from(["i", "j", "d/k"])
view = st.tuples(st.tuples(users, items, st.sampled_from(AGO)), st.integers(1, 4))
search = st.tuples(st.sampled_from(AGO[:21]), users, st.sampled_from(["coat", "Coat", "wool"]))
meanwhile = st.lists(st.tuples(users, items, st.sampled_from(PLACES), st.integers(1, 4)), max_size=3)
AFTER = st.sampled_from([0, 0, 1, 1, 2, 9, 10, 11, 59, 60, 61])  # minutes that pass before it
IDLE = 14 * DAY  # so long without a write nothing expires but what is made anew of the rest
FOREVER = 40 * DAY  # after so long without one only what is counted longest stands


class Machine(RuleBasedStateMachine):
    """`START` is the first minute; `now` the events' clock, which moves with Redis' or without."""

    steps = 0  # of all machines

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = capped(config, MOST)
        self.client: redis.Redis = redis_target(self.config).connect()
        self.client.flushdb()
        self.shop = CountedShop(self.config, self.client)
        self.searches = CountedSearches(self.config, self.client)
        self.now, self.outlived = START, 0
        Machine.steps -= 1  # the first check is of no step

    def teardown(self) -> None:
        self.client.close()

    @rule(after=AFTER, views=st.lists(view, min_size=1, max_size=8), order=st.integers(0, 9), batches=st.integers(1, 3))
    def write(self, after: int, views: list[tuple[tuple[str, str, int], int]], order: int, batches: int) -> None:
        self.now += after
        self.shop.write(self.minutes(views), order, batches)

    @rule(after=AFTER, searches=st.lists(search, min_size=1, max_size=8, unique=True), batches=st.integers(1, 3))
    def searched(self, after: int, searches: list[tuple[int, str, str]], batches: int) -> None:
        self.now += after
        facts: list[Fact] = [(self.now - ago, who, text) for ago, who, text in searches]
        self.searches.write(facts, batches)

    @rule(after=AFTER, views=st.lists(view, max_size=2), searches=st.lists(search, max_size=2, unique=True))
    def time_goes_on(self, after: int, views: Any, searches: list[tuple[int, str, str]]) -> None:
        """The newest minute moves on, so that older ones leave windows."""
        self.now += after
        self.shop.write(self.minutes([*views, (("w", "j", 0), 1)]))
        self.searches.write([(self.now - ago, who, text) for ago, who, text in [*searches, (0, "w", "wool")]])

    @rule(order=st.integers(0, 9), batches=st.integers(1, 3))
    def write_again(self, order: int, batches: int) -> None:
        """After a restart: by new writers, as each write is."""
        self.shop.write_again(order, batches)
        self.searches.write_again(batches)

    @rule(minutes=st.sampled_from([1, 9, 10, 11, 60, 1440, 4320, 43_200]))
    def replay(self, minutes: int) -> None:
        """The events' clock alone."""
        self.now += minutes

    @rule(seconds=st.sampled_from([MINUTE, HOUR, 3 * DAY]), events=st.booleans())
    def advance(self, seconds: int, events: bool) -> None:
        """Redis' clock, and that of the events, which else are a backlog."""
        if max(self.shop.idle, self.searches.idle) + seconds <= IDLE:
            let_pass(self.client, self.config, seconds)
            self.shop.passed(seconds)
            self.searches.passed(seconds)
            self.now += seconds // 60 if events else 0

    @rule(what=st.sampled_from(["newest", "newest", "all", "expired"]))
    def lose(self, what: str) -> None:
        """The newest minute's key, everything, or by time all but what is counted longest."""
        if what == "newest":
            self.shop.lose_newest()
            self.searches.lose_newest()
        elif what == "all":
            self.shop.lose()
            self.searches.lose()
        elif self.outlived < 4:
            let_pass(self.client, self.config, FOREVER)
            self.shop.expired()
            self.searches.expired()
            self.now, self.outlived = self.now + FOREVER // 60, self.outlived + 1

    @rule(
        ago=st.sampled_from(PAST_HORIZON),
        late=st.lists(view, max_size=3),
        loss=st.sampled_from(LOSSES),
        meanwhile=meanwhile,
    )
    def merge(self, ago: int, late: Any, loss: str, meanwhile: Any) -> None:
        horizon = self.now - ago
        seen = {(user, item, horizon - 1 - before % 60): n for (user, item, before), n in late}
        if self.shop.merge(horizon, seen, loss, meanwhile):
            self.searches.lose()

    @rule(ago=st.sampled_from(PAST_HORIZON))
    def merge_keywords(self, ago: int) -> None:
        self.searches.merge(self.now - ago)

    @rule(user=users)
    def forget(self, user: str) -> None:
        """What is left shows at the next merge."""
        self.shop.forget(user)
        self.searches.forget(user)

    @rule(item=items, ago=st.sampled_from(AGO))
    def delete(self, item: str, ago: int) -> None:
        """All views of an item up to a minute; they stand until the next merge."""
        self.shop.delete([key for key in self.shop.lake if key[1] == item and key[2] <= self.now - ago])

    @rule(ago=st.sampled_from(PAST_HORIZON))
    def rebuild(self, ago: int) -> None:
        self.shop.rebuild(self.now - ago)

    @invariant()
    def equals_the_count(self) -> None:
        Machine.steps += 1
        self.shop.check(self.now)
        self.searches.check()

    def minutes(self, views: list[tuple[tuple[str, str, int], int]]) -> Views:
        """Views so many minutes before now."""
        return {(user, item, self.now - ago): n for (user, item, ago), n in views}
