"""What a serving process remembers of categories, what it says, and how old an event may be. The bound itself is
Redis' decision: tests/integration/test_many_categories.py."""

import asyncio
import logging
from typing import Any

import pytest
from prometheus_client import Counter
from redis.exceptions import ConnectionError

from common.keys import Keys
from common.strict_json import Reader
from common.validate import Rejection, rfc3339
from serving.categories import KNOWN_SECONDS, OTHER, SAY_SECONDS, Categories
from serving.collector import TOO_OLD, judged_to_produce
from serving.records import as_json
from tests.event_factory import event

MOST = 3


class Store:
    """A Redis, and its pipelines, in which `over` find no room, and whose catalogue is empty."""

    def __init__(self, over: list[bytes] | None = None) -> None:
        self.over, self.away, self.asked = over or [], False, []  # type: ignore[var-annotated]
        self._answers: list[Any] = []

    def pipeline(self, transaction: bool) -> "Store":
        assert not transaction
        self._answers = []
        return self

    async def exists(self, key: str) -> int:
        if self.away:
            raise ConnectionError
        return 1

    def expire(self, key: str, seconds: int) -> None:
        self._answers.append(True)

    def eval(self, script: str, keys: int, key: str, seconds: int, most: int, *names: str) -> None:
        assert (keys, key, most) == (1, "p:categories", MOST)
        self.asked.append(list(names))
        self._answers.append(self.over)

    def hget(self, key: str, field: str) -> None:
        self._answers.append(None)

    async def execute(self) -> list[Any]:
        if self.away:
            raise ConnectionError
        return self._answers


def categories(store: Store, now: list[float]) -> Categories:
    counter = Counter("over", "", registry=None)
    return Categories(store, Keys("p"), MOST, counter, lambda: now[0])


def bound(subject: Categories, *names: str | None) -> list[str | None]:
    events = [event(category=name) for name in names]
    asyncio.run(subject.bound(events))
    return [one.get("category") for one in events]


def test_what_was_let_through_is_asked_for_again_only_after_a_while() -> None:
    store, now = Store(), [0.0]
    subject = categories(store, now)
    assert bound(subject, "a", "b", "a") == ["a", "b", "a"]
    now[0] = KNOWN_SECONDS - 1
    assert bound(subject, "a", "b") == ["a", "b"]
    assert bound(subject, "c", "a") == ["c", "a"]
    now[0] = KNOWN_SECONDS
    bound(subject, "c", "a", "b")
    assert store.asked == [["a", "b"], ["c"], ["a", "b"]]


def test_events_without_a_category_and_those_of_the_others_ask_for_nothing() -> None:
    store = Store()
    subject = categories(store, [0.0])
    assert bound(subject, None, OTHER) == [None, OTHER]
    asyncio.run(subject.bound([]))
    assert store.asked == []


def test_what_found_no_room_is_asked_for_each_time_and_counted() -> None:
    store = Store([b"x"])
    subject = categories(store, [0.0])
    assert bound(subject, "a", "x", "x") == ["a", OTHER, OTHER]
    assert bound(subject, "a", "x") == ["a", OTHER]
    assert store.asked == [["a", "x"], ["x"]]
    assert subject._over._value.get() == 3


def test_a_process_remembers_no_more_than_the_bound() -> None:
    store = Store()
    subject = categories(store, [0.0])
    bound(subject, "a", "b", "c")
    bound(subject, "a", "b", "c")
    assert len(subject._known) == MOST and len(store.asked) == 1
    bound(subject, "d")
    assert set(subject._known) == {"d"}
    bound(subject, "e", "f", "g", "h")
    assert len(subject._known) <= MOST


def test_a_redis_that_does_not_answer_is_said_and_nothing_is_remembered() -> None:
    store = Store([b"x"])
    subject = categories(store, [0.0])
    store.away = True
    sent = event(category="a")
    with pytest.raises(ConnectionError):
        asyncio.run(subject.bound([sent]))
    assert sent["category"] == "a" and not subject._known


def test_the_log_says_it_once_a_minute_without_what_was_written(caplog: pytest.LogCaptureFixture) -> None:
    store, now = Store([b"secret"]), [1000.0]
    subject = categories(store, now)
    with caplog.at_level(logging.WARNING):
        for now[0] in (1000.0, 1001.0, 1000.0 + SAY_SECONDS - 1, 1000.0 + SAY_SECONDS):
            bound(subject, "secret")
    assert len(caplog.messages) == 2
    assert "serving.max_categories" in caplog.text and "secret" not in caplog.text


@pytest.mark.parametrize(("older_by_ms", "refused"), [(-1, False), (0, False), (1, True), (86_400_000, True)])
def test_an_event_of_the_oldest_moment_is_taken_and_one_from_before_it_refused(older_by_ms: int, refused: bool) -> None:
    now_ms = 1_790_000_000_000
    oldest_ms = now_ms - 400 * 86_400_000
    # as another zone writes it: the moment counts, not the text
    moment = rfc3339(oldest_ms - older_by_ms + 9 * 3_600_000).replace("Z", "+09:00")
    read = Reader(as_json(event(event_time=moment)).decode()).whole()
    judged = judged_to_produce(read, now_ms, rfc3339(oldest_ms))
    assert (judged == TOO_OLD) is refused and isinstance(judged, Rejection) is refused
