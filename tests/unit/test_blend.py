"""Blending: diversity as greedy selection has it, exploration at its stated rate and stable."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from common.config_load import load_config
from common.views.blend import DIVERSITY, EXPLORATION, HALF, Candidates, Explore, blend

SURFACE = replace(load_config(env={}).recommend.surfaces.for_you, weights={"als": 2.0}, exploration=0.0)
FIRST = Explore("", 6)


def of(shop: dict[str, tuple[str, float]]) -> Candidates:
    """Item → (category, value of the one signal)."""
    categories = sorted({"", *(category for category, _ in shop.values())})
    numbers = np.array([categories.index(category) for category, _ in shop.values()], np.int64)
    return Candidates(list(shop), numbers, {"als": np.array([value for _, value in shop.values()])})


def greedy(scored: dict[str, tuple[str, float]], diversity: float) -> list[str]:
    """Picks the best one by one, each worth less the more of its category have been picked (Carbonell, Goldstein)."""
    left, picked = dict(scored), []
    while left:

        def worth(item: str) -> float:
            k = sum(1 for one in picked if scored[one][0] == left[item][0]) if left[item][0] else 0
            return 2.0 * left[item][1] - diversity * k / (k + HALF)

        best = min(left, key=lambda item: (-worth(item), item))
        picked.append(best)
        del left[best]
    return picked


scored = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.tuples(st.sampled_from(["", "x", "y", "z"]), st.integers(0, 20).map(lambda n: n / 8)),
    max_size=15,
)


@given(scored, st.sampled_from([0.0, 0.5, 1.0, 4.0]))
def test_diversity_is_what_greedy_selection_gives(shop: dict[str, tuple[str, float]], diversity: float) -> None:
    found = blend(of(shop), replace(SURFACE, diversity=diversity), 100, FIRST)
    assert [item.item_id for item in found] == greedy(shop, diversity)


def test_what_diversity_takes_off_is_said() -> None:
    found = blend(of(dict.fromkeys("ab", ("c", 1.0))), replace(SURFACE, diversity=1.0), 2, FIRST)
    assert [item.parts for item in found] == [{"als": 2.0}, {"als": 2.0, DIVERSITY: -0.2}]
    assert found[1].reasons == [("als", 2.0), (DIVERSITY, -0.2)]


def test_exploration_has_its_rate_below_the_first_ranks_and_is_marked() -> None:
    candidates = of({f"i{n:03}": ("", 1 - n / 500) for n in range(200)})
    settings, pages, explored = replace(SURFACE, diversity=0.0, exploration=0.1), 3000, 0
    for seed in range(pages):
        page = blend(candidates, settings, 10, Explore(str(seed), 6))
        assert [item.item_id for item in page[:5]] == [f"i00{n}" for n in range(5)]
        drawn = [item for item in page if item.explored]
        assert all(item.item_id >= "i010" and (EXPLORATION in dict(item.reasons)) for item in drawn)
        explored += len(drawn)
    # 5 ranks of 3,000 pages at 0.1: 1,500, standard deviation 37; an explored item may be pushed off by later ones
    assert 1300 < explored < 1650
    assert blend(candidates, settings, 10, Explore("7", 6)) == blend(candidates, settings, 10, Explore("7", 6))


def test_nothing_is_explored_where_nothing_is_left() -> None:
    candidates = of({f"i{n}": ("", 1.0) for n in range(8)})
    page = blend(candidates, replace(SURFACE, exploration=1.0), 8, FIRST)
    assert not any(item.explored for item in page)


def pages(items: int, limit: int, first: int, seeds: int = 400) -> tuple[set[str], set[int]]:
    """What was drawn, and at which ranks, where every place that may be given away is; items sort by their score."""
    candidates = of({f"i{n:03}": ("", 1 - n / 1000) for n in range(items)})
    settings = replace(SURFACE, diversity=0.0, exploration=1.0)
    drawn, ranks = set(), set()
    for seed in range(seeds):
        page = blend(candidates, settings, limit, Explore(str(seed), first))
        assert len(page) == min(limit, items)
        assert [item.score for item in page] == sorted((item.score for item in page), reverse=True)
        drawn |= {item.item_id for item in page if item.explored}
        ranks |= {rank for rank, item in enumerate(page, start=1) if item.explored}
    return drawn, ranks


def test_drawn_is_from_the_first_below_the_page_to_the_100th_and_no_further() -> None:
    assert pages(112, 6, 6, seeds=2000) == ({f"i{n:03}" for n in range(6, 106)}, {6})


def test_the_first_rank_that_may_be_given_away_is_and_the_one_before_it_is_not() -> None:
    assert pages(50, 5, 6)[1] == set()
    assert pages(50, 6, 6)[1] == {6}
    assert pages(50, 8, 6)[1] == {6, 7, 8}


def test_one_item_below_the_page_is_drawn_and_without_one_nothing_is() -> None:
    assert pages(6, 6, 6, seeds=5) == (set(), set())
    assert pages(7, 6, 6, seeds=5) == ({"i006"}, {6})


def test_the_limit_is_how_many_are_shown_where_there_are_so_many() -> None:
    for limit in (7, 8, 9):
        shown = blend(of({f"i{n}": ("", 1.0 - n / 10) for n in range(8)}), SURFACE, limit, FIRST)
        assert [item.item_id for item in shown] == [f"i{n}" for n in range(min(limit, 8))]
