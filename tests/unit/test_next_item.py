"""The next-item model answers what plain Python works out from the definitions."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.models.next_item import LISTS, SIGNALS, candidates
from common.models.session_index import Build, SessionIndex, build
from common.models.session_neighbours import NONE, Fresh
from tests.unit.session_reference import Reference

ITEMS = 9
SESSION = st.lists(st.integers(0, ITEMS - 1), min_size=2, max_size=7)
SESSIONS = st.lists(SESSION, min_size=2, max_size=12)
HOW = Build(recent=3, half_life=0.4)


def index_of(sessions: Sequence[Sequence[int]], how: Build = HOW) -> SessionIndex:
    offsets, items = flat(sessions)
    return build(offsets, items, np.arange(len(sessions), dtype=float), ITEMS, how)


def flat(sessions: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.cumsum([0, *map(len, sessions)]), np.array([item for part in sessions for item in part], np.int64)


def column(found: object, name: str) -> dict[int, float]:
    values = found.signals[:, SIGNALS.index(name)]  # type: ignore[attr-defined]
    return {int(i): float(v) for i, v in zip(found.items, values, strict=True) if v}  # type: ignore[attr-defined]


def shares(scores: dict[int, float]) -> dict[int, float]:
    total = sum(scores.values())
    return {item: math.log1p(value / total / 1e-4) for item, value in scores.items() if value}


@settings(max_examples=60, deadline=None)
@given(SESSIONS, st.lists(st.integers(0, ITEMS + 1), min_size=1, max_size=12), st.lists(SESSION, max_size=3))
def test_every_source_is_what_its_definition_says(
    sessions: list[list[int]], query: list[int], fresh: list[list[int]]
) -> None:
    reference = Reference(sessions, HOW.recent, HOW.half_life, ITEMS)
    found = candidates(index_of(sessions), np.array(query), Fresh(*flat(fresh)) if fresh else NONE)
    seen = reference.seen(query)
    expected = {
        "neighbours": reference.neighbours(query, 0.8, fresh),
        "next": reference.neighbours(query, 0.4, fresh),
    }
    tables = {
        "after": reference.after,
        "before": reference.before,
        "near2": reference.walk(2),
        "near3": reference.walk(3),
    }
    for name, table in tables.items():
        expected[name] = dict(table.get(seen[0], {}))
        earlier: dict[int, float] = {}
        for since, item in enumerate(seen[1:6], 1):
            for other, value in table.get(item, {}).items():
                earlier[other] = earlier.get(other, 0.0) + value / since
        expected[f"{name}-earlier"] = earlier
    assert sorted(expected) == sorted(LISTS)
    for name, scores in expected.items():
        assert column(found, name) == pytest.approx(shares(scores), rel=1e-3, abs=1e-6), name
    amounts = {item: math.log1p(value) for item, value in expected["neighbours"].items()}
    assert column(found, "neighbours-amount") == pytest.approx(amounts, rel=1e-3, abs=1e-6)


def test_vectors_speak_for_what_is_alike_and_never_against() -> None:
    index = index_of([[0, 1], [1, 2, 0], [3, 4], [4, 3, 5], [2, 6]])
    found = candidates(index, np.array([3, 1, 0]))
    cosines = index.vectors @ index.vectors.T
    session = (cosines[0] + 0.7 * cosines[1] + 0.49 * cosines[3]) / (1 + 0.7 + 0.49)
    for name, expected in (("alike", cosines[0]), ("alike-session", session)):
        positive = {n: value for n, value in enumerate(expected) if value > 0 and n in found.items}
        assert column(found, name) == pytest.approx(positive, rel=1e-4, abs=1e-6)


def test_what_was_just_seen_has_weights_of_its_own_by_place() -> None:
    found = candidates(index_of([[0, 1], [2, 3]]), np.array([8, 7, 6, 5, 4, 6, 5]))
    assert column(found, "again-1") == {5: 1.0}
    assert column(found, "again-2") == {6: 1.0}
    assert column(found, "again-3") == {4: 1.0}
    assert column(found, "again-4") == {7: 1.0}
    assert column(found, "again-earlier") == {8: 0.25}
    assert column(found, "again-count") == {5: 1.0, 6: 1.0}
    assert column(found, "again-share") == dict.fromkeys([4, 5, 6, 7, 8], 0.2)


def test_rules_stand_in_their_order_however_old_they_are() -> None:
    sessions = [[0, 1, 2], [0, 1], [0, 3], [4, 0, 3, 2], [5, 6], [6, 5], [5, 7]]  # after 0: 1 twice, 3, 2 at a distance
    found = candidates(index_of(sessions, Build(recent=3, half_life=0.01)), np.array([8, 6, 3, 0]))
    order = [0, 3, 6, 8, 1, 2]  # newest first, then 1 (2), 2 (½ + ½)
    assert column(found, "rules-place") == pytest.approx({item: math.log(21 / n) for n, item in enumerate(order, 1)})


def test_of_the_rules_twenty_count_and_of_an_unknown_item_none() -> None:
    many = [[0, other] for other in range(1, ITEMS)] + [[1, other] for other in range(2, ITEMS)]
    found = candidates(index_of(many), np.array([*range(ITEMS), *range(9, 40), 0]))
    assert len(column(found, "rules-place")) == 20
    assert column(candidates(index_of(many), np.array([0, 99])), "rules-place") == pytest.approx(
        {99: math.log(21), 0: math.log(21 / 2)}
    )


def test_no_more_than_the_recent_sessions_of_an_item_are_looked_at() -> None:
    old, new = [[0, 1]] * 3, [[0, 2]] * 3
    found = candidates(index_of([*old, *new]), np.array([0]))
    assert set(column(found, "neighbours")) == {2}


def test_a_session_without_items_gets_what_is_popular() -> None:
    found = candidates(index_of([[0, 1], [1, 2]]), np.zeros(0, np.int64))
    assert column(found, "popular") == pytest.approx({0: math.log(2), 1: math.log(3), 2: math.log(2)}, rel=1e-3)
    assert not found.signals[:, : len(LISTS)].any()
