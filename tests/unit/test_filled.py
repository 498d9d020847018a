"""What fills a list: popular items stand in exactly as far as the surface's own leave it short."""

import asyncio
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from common.config_load import load_config
from common.views.offers import Filters, Offers, Product
from common.views.profile import profile
from common.views.surfaces import Person
from serving.surfaces.asked import Asked
from serving.surfaces.filled import Filled, filled
from serving.surfaces.pool import Pool

NOBODY = Person(profile([], [], {}, load_config(env={}).profile))
NEAR = {f"near{n}": "bags" for n in range(4)}
FAR = {f"far{n}": "coats" for n in range(9)}
LIMIT = 5


class Shop:
    """A catalogue in which everything may be offered but what is `gone`."""

    def __init__(self, gone: Sequence[str]) -> None:
        self._gone = gone

    async def offers(self, items: Sequence[str]) -> Offers:
        return Offers.of({item: Product(in_stock=item not in self._gone) for item in items})


def fill(
    own: int,
    mixed: bool = False,
    near: Mapping[str, str] = NEAR,
    far: Mapping[str, str] = FAR,
    gone: Sequence[str] = (),
    but: Sequence[str] = (),
) -> Filled:
    services: Any = SimpleNamespace(products=Shop(gone))
    asked = Asked("now", "", "", LIMIT, Filters(), explain=False, now=0.0)
    popular = Pool(dict(near), dict(far), {}, 0.0)
    return asyncio.run(filled(services, asked, NOBODY, [f"own{n}" for n in range(own)], popular, mixed, but))


def counts(answer: Filled) -> tuple[int, int, int]:
    """How many are the surface's own, popular in the category, popular overall."""
    names = [item.rstrip("0123456789") for item in answer.offers.items]
    return names.count("own"), names.count("near"), names.count("far")


@pytest.mark.parametrize(
    ("own", "near_and_far"),
    [(LIMIT - 1, (4, 0)), (LIMIT, (0, 0)), (LIMIT + 1, (0, 0)), (1, (4, 0)), (0, (4, 9))],
)
def test_the_category_stands_in_below_the_limit_and_not_at_it(own: int, near_and_far: tuple[int, int]) -> None:
    answer = fill(own)
    assert counts(answer) == (own, *near_and_far)
    assert answer.fallback == (None if own else "popular-in-category")


@pytest.mark.parametrize(("own", "far"), [(LIMIT - 4, 2), (LIMIT - 3, 1), (LIMIT - 2, 0), (LIMIT - 1, 0)])
def test_of_what_is_popular_overall_as_many_come_as_are_missing_then(own: int, far: int) -> None:
    near = {"near0": "bags", "near1": "bags"}
    for mixed in (False, True):
        assert counts(fill(own, mixed, near)) == (own, 2, far)
    assert fill(own, near=near).offers.items[own + 2 :] == [f"far{n}" for n in range(far)]


def test_a_surface_that_mixes_has_the_category_at_the_limit_too() -> None:
    assert counts(fill(LIMIT + 2, mixed=True)) == (LIMIT + 2, 4, 0)


@pytest.mark.parametrize(
    ("gone", "but", "expected"),
    [
        ((), ("own0",), (4, 4, 0)),
        (("own0", "near3"), (), (4, 3, 0)),
        (("near0", "near1", "near2"), ("own1",), (4, 1, 0)),
    ],
)
def test_what_may_not_be_shown_does_not_count_towards_the_limit(
    gone: Sequence[str], but: Sequence[str], expected: tuple[int, int, int]
) -> None:
    assert counts(fill(LIMIT, gone=gone, but=but)) == expected


def test_what_is_missing_is_counted_over_what_may_be_shown_only() -> None:
    answer = fill(2, near={"near0": "bags"}, gone=["far0", "far2"])
    assert answer.offers.items == ["own0", "own1", "near0", "far1", "far3"]


def test_the_fallback_says_which_popular_ones_stand_in() -> None:
    assert fill(0, near={}).fallback == "popular"
    assert fill(0, near={}, far={}).fallback == "none"
    assert fill(2, gone=["own0", "own1"]).fallback == "popular-in-category"
    assert fill(2, gone=["own0"]).fallback is None


def test_an_item_that_the_catalogue_does_not_know_has_the_category_it_is_ranked_under() -> None:
    answer = fill(1, near={"own0": "hats", "near0": "bags"}, far={"near0": "coats", "far0": "shoes", "far1": "shoes"})
    assert dict(zip(answer.offers.items, answer.offers.named("category"), strict=True)) == {
        "own0": "hats",
        "near0": "coats",
        "far0": "shoes",
        "far1": "shoes",
    }


def test_what_may_not_be_shown_of_the_surfaces_own_and_of_the_category_is_made_up_for() -> None:
    answer = fill(3, near={"near0": "bags", "near1": "bags"}, gone=["own0", "near1"])
    assert answer.offers.items == ["own1", "own2", "near0", "far0", "far1"]
