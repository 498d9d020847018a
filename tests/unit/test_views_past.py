"""Recipes for past minutes: each reproduces the formula from a made-up history; standings, ranks, what cancels."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from common.config import RankingConfig
from common.views.past import SMALL, Standing, contributed, recipe, rows, total

AS_OF, HOURS = 10_000, 50
REACH = AS_OF - HOURS * 60
HISTORY = np.random.default_rng(3).integers(0, 50, AS_OF + 1).astype(float)  # what each minute contributed


def score(ranking: RankingConfig, at: int) -> float:
    ages = at - np.arange(at + 1)
    if ranking.kind == "window":
        return float(HISTORY[: at + 1][ages < ranking.minutes].sum())
    return float((HISTORY[: at + 1] * 2.0 ** (-ages / ranking.minutes)).sum())


@pytest.mark.parametrize("least_work", [False, True])
@pytest.mark.parametrize("back", [1, 10, 60, 500, 1439, 1440])
@pytest.mark.parametrize(
    ("kind", "minutes", "error"),
    [
        ("window", 10, 0), ("window", 60, 0), ("window", 120, 0), ("window", 1440, 0),
        ("decay", 30, 1e-9), ("decay", 1440, 1e-9), ("decay", 10080, 1e-9), ("decay", 39, 1e-9), ("decay", 108, 1e-9),
        ("decay", 70, 1e-6), ("decay", 90, 1e-6),
    ],
)  # fmt: skip
def test_a_recipe_gives_the_score_of_the_formula(
    kind: str, minutes: int, error: float, back: int, least_work: bool
) -> None:
    ranking, at = RankingConfig("r", kind, minutes, {"view": 1}), AS_OF - back  # type: ignore[arg-type]
    made = recipe(ranking, at, AS_OF, REACH, least_work)
    assert min(made.counted) >= REACH
    assert max(made.counted) <= AS_OF
    found = made.current * score(ranking, AS_OF) + sum(HISTORY[t] * weight for t, weight in made.counted.items())
    assert found == pytest.approx(score(ranking, at), rel=error, abs=0)


@pytest.mark.parametrize("minutes", [10, 60, 1440, 10080])
def test_an_hour_ago_costs_two_hours_of_facts_at_most(minutes: int) -> None:
    for kind in ("window", "decay"):
        made = recipe(RankingConfig("r", kind, minutes, {"view": 1}), AS_OF - 60, AS_OF, REACH, True)  # type: ignore[arg-type]
        assert len(made.counted) <= 120


def test_contributions_are_summed_by_item_whoever_acted_and_by_the_part_that_counts() -> None:
    hashes = [
        (5, {b"c\x1fi": b"3,4|1,2", "신발\x1fj".encode(): b"1,6|9"}),
        (5, {b"c\x1fi\x1fuser": b"-1,-2|"}),
        (6, {b"c\x1fi": b"7,0.5|1", b"c\x1fold": b"7|1"}),  # a value from before the second part was configured
        (7, {b"c\x1fi": b"100,100|1"}),
    ]
    found = contributed(hashes, [({7: 1.0}, 0), ({5: 2.0, 6: -1.0}, 1)]).to_pydict()
    assert dict(zip(found["member"], found["s1"], strict=True)) == {
        "c\x1fi": 2 * (4 - 2) - 0.5, "신발\x1fj": 12.0, "c\x1fold": 0.0,
    }  # fmt: skip
    assert dict(zip(found["member"], found["s0"], strict=True))["c\x1fi"] == 100


def standing(scores: dict[str, float]) -> Standing:
    return Standing(rows(pa.array(list(scores), pa.string()), [pa.array(list(scores.values()), pa.float64())]))


@pytest.mark.parametrize("few", [0, 100])  # categories looked through at once, or one by one
def test_ranks_are_those_within_the_sub_tree_and_equals_go_by_item(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.views.past.FEW", few)
    found = standing({"a\x1fi3": 5, "a/b\x1fi2": 5, "a/b\x1fi1": 7, "ab\x1fi0": 9, "\x1fi9": 1})
    names = ["a\x1fi3", "a/b\x1fi2", "a/b\x1fi1", "ab\x1fi0", "\x1fi9", "a\x1fnone"]
    assert found.ranks(names, None) == [4, 3, 2, 1, 5, None]
    assert found.ranks(names[:3], "a") == [3, 2, 1]
    assert found.best("a", 2) == [("a/b\x1fi1", 7.0), ("a/b\x1fi2", 5.0)]
    assert found.best("none", 2) == []
    assert found.corrected({"a": 3.0}, 1.0).ranks(names[:4], None) == [1, 4, 3, 2]
    assert found.score_of(names[4:]) == [1.0, None]


@pytest.mark.parametrize("few", [0, 100])
def test_an_item_whose_category_changed_is_listed_and_counted_once(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.views.past.FEW", few)
    found = standing(
        {"a\x1fone": 9, "a\x1fmoved": 6, "a/b\x1ftwo": 5, "b\x1fmoved": 4.5, "a/b\x1fmoved": 1, "b\x1flast": 2}
    )
    assert found.best(None, 2) == [("a\x1fmoved", 11.5), ("a\x1fone", 9.0)]
    assert found.best("b", 9) == [("b\x1fmoved", 4.5), ("b\x1flast", 2.0)]  # what was counted in b
    assert found.best("a", 1) == [("a\x1fone", 9.0)]
    assert found.ranks(["b\x1fmoved", "a/b\x1ftwo", "b\x1flast"], None) == [2, 3, 4]
    assert found.ranks(["b\x1fmoved", "a/b\x1ftwo"], "a") == [2, 3]
    assert found.ranks(["a\x1fmoved", "b\x1flast", "a\x1fone"], "b") == [1, 2, None]
    assert found.score_of(["a\x1fmoved"]) == [11.5]
    assert found.score_of(["a\x1fmoved"], "a") == [7.0]


class Looked(list[str]):
    """Counts which of its entries are looked at."""

    looks = 0

    def __getitem__(self, place: Any) -> Any:
        self.looks += 1
        return super().__getitem__(place)

    def __iter__(self) -> Iterator[str]:
        self.looks += len(self)
        return super().__iter__()


def test_a_sub_tree_is_found_among_many_categories_without_looking_at_each() -> None:
    draw = np.random.default_rng(8)
    letters = ("a", "b", "a/b", "/", "a-", "a.", "a0", "", "신발")  # what stands around '/' in the order of names
    categories = sorted({"".join(draw.choice(letters, 5)) for _ in range(6000)})
    scores = {f"{name}\x1fi{n}": float(draw.integers(1, 50)) for n, name in enumerate(categories)}
    found = standing(scores)
    ordered = sorted(scores, key=lambda member: (-scores[member], member.split("\x1f")[1]))
    for top in ("a", "a/b", "b", "a-", "신발", "none", "/", categories[17]):
        inside = [m for m in ordered if m.split("\x1f")[0] == top or m.startswith(f"{top}/")]
        found._categories = Looked(found._categories)
        assert found.best(top, len(scores)) == [(member, scores[member]) for member in inside]
        assert found.ranks(inside, top) == [*range(1, len(inside) + 1)]
        assert found._categories.looks < 200


def test_what_cancels_leaves_no_item_and_nothing_known_is_empty() -> None:
    parts = [rows(pa.array(["c\x1fi", "c\x1fj"]), [pa.array(pair)]) for pair in ([1e6, 2.0], [-1e6 + 1e-6, -1.0])]
    assert SMALL * 2e6 > 1e-6
    assert Standing(total(parts)).members == ["c\x1fj"]
    assert len(Standing.empty()) == 0
    assert Standing.empty().ranks(["c\x1fi"], "c") == [None]
