"""Ranking views: rows of a ranking's sorted set → items with the scores that hold at `as_of`.

A window ranking's sorted set holds the values themselves. A decayed ranking's holds forward-decayed sums:
what an action at minute t adds is weight · 2^((t - landmark) / half_life), so that nothing has to be
touched as time goes by (Cormode et al., "Forward Decay", ICDE 2009); the score at minute m is zscore ·
2^(-(m - landmark) / half_life).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from common.config import Action, RankingConfig
from common.keys import split_member

# After 40 half-lives a contribution counts 10^-12 of what it did: older facts need not be read.
HALF_LIVES = 40
Row = tuple[str, float]  # member (category, separator, item) and its score in the sorted set


@dataclass(frozen=True)
class RankedItem:
    """One line of a ranking; `views` is the item's views of the last hour in the same scope.

    `change` is how many places it has risen since an hour before; null for what was not ranked then (`new`), and
    where nothing was.
    """

    rank: int
    item_id: str
    category: str
    score: float
    views: int
    change: int | None
    new: bool


def weightings(rankings: Sequence[RankingConfig]) -> list[Mapping[Action, float]]:
    """The different sets of weights, in the order of the rankings: a fact holds one contribution for each."""
    found: list[Mapping[Action, float]] = []
    for ranking in rankings:
        if ranking.weights not in found:
            found.append(ranking.weights)
    return found


def part(ranking: RankingConfig, rankings: Sequence[RankingConfig]) -> int:
    """Which of a fact's contributions the ranking counts by, from 0."""
    return weightings(rankings).index(ranking.weights)


def decay_factor(ranking: RankingConfig, as_of: int | None, landmark: int | None) -> float:
    """What a sorted set's score is multiplied by to hold at minute `as_of`; 1 for a window ranking."""
    if ranking.kind == "window" or as_of is None or landmark is None:
        return 1.0
    exponent = -(as_of - landmark) / ranking.minutes
    return float(2.0 ** max(-1000.0, min(1000.0, exponent)))


def best(rows: Iterable[Row], limit: int, catalogue: Mapping[str, str] = MappingProxyType({})) -> list[Row]:
    """The `limit` best rows, ties by item id (then category); rows without a positive score are no part of
    it.

    An item that stands in several categories, as its own has changed, is one row with the sum: in its category by the
    `catalogue` where it stands there, else in the one where it scores most.
    """
    sums: dict[str, float] = {}
    under: dict[str, tuple[bool, float, str]] = {}
    for member, score in {member: score for member, score in rows if score > 0}.items():
        category, item = split_member(member)
        sums[item] = sums.get(item, 0.0) + score
        mine = (category == catalogue.get(item), score, member)
        under[item] = max(under.get(item, mine), mine)
    ordered = sorted(sums.items(), key=lambda row: (-row[1], row[0]))
    return [(under[item][2], score) for item, score in ordered[:limit]]


def ranked(
    rows: Sequence[Row], factor: float, views: Sequence[float | None], changes: Sequence[tuple[int | None, bool]]
) -> list[RankedItem]:
    """The ranking as served; `rows` best first, each with its views (None: none in the hour) and change."""
    items = []
    lines = zip(rows, views, changes, strict=True)
    for rank, ((text, score), seen, (change, new)) in enumerate(lines, start=1):
        category, item_id = split_member(text)
        items.append(RankedItem(rank, item_id, category, score * factor, round(seen or 0), change, new))
    return items


def changes(now: Sequence[int], before: Sequence[int | None], known: bool) -> list[tuple[int | None, bool]]:
    """(change, new) of each item by its ranks; `known`: there was a ranking to compare with at all."""
    pairs = zip(now, before, strict=True)
    return [(None, known) if old is None else (old - rank, False) for rank, old in pairs]
