"""Ranking views: decay, ties, views."""

import math

import pytest

from common.config import RankingConfig
from common.keys import member
from common.views.rankings import RankedItem, best, changes, decay_factor, ranked

HOUR = RankingConfig("views-1h", "window", 60, {"view": 1})
DAY = RankingConfig("popular", "decay", 1440, {"view": 1})


@pytest.mark.parametrize(
    ("ranking", "as_of", "landmark", "factor"),
    [
        (HOUR, 100, 50, 1.0),
        (DAY, 1000, 1000, 1.0),
        (DAY, 2440, 1000, 0.5),
        (DAY, 1000, 2440, 2.0),
        (DAY, None, 5, 1.0),
        (DAY, 5, None, 1.0),
    ],
)
def test_a_decayed_score_halves_every_half_life(
    ranking: RankingConfig, as_of: int | None, landmark: int | None, factor: float
) -> None:
    assert decay_factor(ranking, as_of, landmark) == factor


def test_a_landmark_far_away_gives_no_infinity() -> None:
    for as_of, landmark in ((30_000_000, 0), (0, 30_000_000)):
        assert math.isfinite(decay_factor(DAY, as_of, landmark))


def test_equals_go_by_item_id_and_what_has_no_score_is_left_out() -> None:
    rows = [
        (member("b", "i-1"), 2.0),
        (member("a", "i-3"), 2.0),
        (member("a", "i-2"), 2.0),
        (member("a", "i-9"), 5.0),
        (member("a", "i-0"), 0.0),
        (member("a", "i-3"), 2.0),
    ]
    assert [text.split("\x1f")[1] for text, _ in best(rows, 10)] == ["i-9", "i-1", "i-2", "i-3"]
    assert len(best(rows, 2)) == 2


def test_an_item_of_two_categories_is_one_row_with_the_sum() -> None:
    rows = [(member("a", "i"), 90.0), (member("c", "j"), 90.5), (member("b", "i"), 1.0), (member("b", "k"), 2.0)]
    assert best(rows, 2) == [(member("a", "i"), 91.0), (member("c", "j"), 90.5)]
    assert best(rows, 1, {"i": "b", "j": "elsewhere"}) == [(member("b", "i"), 91.0)]


def test_rows_become_items_with_rank_score_views_and_change() -> None:
    rows = [(member("신발", "i-1"), 4.0), (member("", "i-2"), 2.0)]
    assert ranked(rows, 0.5, [7.0, None], [(3, False), (None, True)]) == [
        RankedItem(1, "i-1", "신발", 2.0, 7, 3, False),
        RankedItem(2, "i-2", "", 1.0, 0, None, True),
    ]


@pytest.mark.parametrize(
    ("now", "before", "known", "change", "new"),
    [
        (1, 4, True, 3, False),
        (5, 3, True, -2, False),
        (2, 2, True, 0, False),
        (1, None, True, None, True),
        (1, None, False, None, False),
    ],
)
def test_up_down_same_and_new(now: int, before: int | None, known: bool, change: int | None, new: bool) -> None:
    assert changes([now], [before], known) == [(change, new)]
