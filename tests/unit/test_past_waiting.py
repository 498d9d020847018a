"""Slow questions about the past hold up no ranking, nor each other without end."""

import asyncio
import dataclasses
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest

from common.config_load import load_config
from common.keys import member
from common.views.past import Standing, rows, total
from serving import past
from serving.errors import ApiError
from serving.past import AT_ONCE, Past

REFERENCE = load_config(env={})
CONFIG = dataclasses.replace(REFERENCE, redis=dataclasses.replace(REFERENCE.redis, url="redis://127.0.0.1:1/0"))
POPULAR = next(r for r in CONFIG.rankings.definitions if r.name == "popular")
LONG = 60.0  # seconds; whatever waits for so long waits for ever
NOW = 29_000_000


class Facts:
    """Minute facts that are read only when somebody lets them be."""

    def __init__(self) -> None:
        self.questions, self.hour_ago = threading.Event(), threading.Event()
        self.asked = 0

    def standings(self, ask: Callable[[int], Any], least_work: bool = False) -> tuple[int, list[Standing]]:
        self.asked += 1
        assert (self.hour_ago if least_work else self.questions).wait(LONG)
        found = Standing(total([rows(pa.array([member("c", "i")]), [pa.array([1.0])])]))
        return NOW, [found for _ in ask(NOW)]

    def reach_back_to(self, minute: int) -> bool:
        return True


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Facts]:
    made = Facts()
    monkeypatch.setattr(past, "FactMinutes", lambda *_: made)
    yield made
    made.questions.set()
    made.hour_ago.set()


def run(scene: Callable[[Past], Awaitable[None]]) -> None:
    async def limited() -> None:
        asked = Past(CONFIG)
        try:
            await asyncio.wait_for(scene(asked), LONG / 2)
        finally:
            asked.close()

    asyncio.run(limited())


def ask(of: Past, how_many: int) -> list[asyncio.Task[Any]]:
    """Questions about different minutes of the last day."""
    return [asyncio.create_task(of.at(POPULAR, None, NOW - 100 - n, recent=True)) for n in range(how_many)]


def test_a_ranking_does_not_wait_for_questions_about_the_past(facts: Facts) -> None:
    facts.hour_ago.set()

    async def scene(of: Past) -> None:
        questions = ask(of, AT_ONCE)
        await asyncio.sleep(0)
        assert len(await of.hour_ago(POPULAR, None)) == 1
        assert not any(question.done() for question in questions)
        facts.questions.set()
        assert all(then.known for then in await asyncio.gather(*questions))

    run(scene)


def test_questions_that_take_too_long_are_503_and_leave_no_work_behind(
    facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "PAST_SECONDS", 0.05)

    async def scene(of: Past) -> None:
        answers = await asyncio.gather(*ask(of, AT_ONCE + 1), return_exceptions=True)
        assert {(type(answer), str(answer).split(" within")[0]) for answer in answers[:AT_ONCE]} == {
            (ApiError, "Redis does not answer")
        }
        assert "too many questions" in str(answers[AT_ONCE])
        facts.questions.set()
        assert (await of.at(POPULAR, None, NOW - 100, recent=True)).known
        assert facts.asked == 2  # the one that had begun, and this

    run(scene)


def test_a_ranking_waits_shortly_for_the_one_of_an_hour_ago_and_has_it_later(
    facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "CHANGE_SECONDS", 0.05)

    async def scene(of: Past) -> None:
        assert len(await of.hour_ago(POPULAR, None)) == 0
        monkeypatch.setattr(past, "CHANGE_SECONDS", LONG)
        assert len(await of.hour_ago(POPULAR, None)) == 0  # at once: the next does not wait as well
        facts.hour_ago.set()
        while not len(await of.hour_ago(POPULAR, None)):
            await asyncio.sleep(0.01)
        assert facts.asked == 1

    run(scene)
