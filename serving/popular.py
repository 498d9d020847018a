"""Popular items for the recommendation surfaces, read at most once a second a process.

Every request would read the same hundreds of rows again: what is popular overall and in a category is kept for
`KEEP_SECONDS`. The rankings' own routes are exact (`serving.ranked`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from common.keys import ALL, split_member
from common.views.rankings import Row
from serving.ranked import read_ranking
from serving.services import Services

POPULAR, RISING = "popular", "popular-30m"
KEEP_SECONDS = 1.0
FEW, MANY = 200, 2000  # rows kept of a ranking: a price filter may refuse most of them


@dataclass(frozen=True)
class Popular:
    """Rows of a ranking, best first: `scores` by item over the best of all items, `categories` as ranked."""

    scores: dict[str, float]
    categories: dict[str, str]

    def first(self, n: int) -> list[str]:
        """The `n` best items."""
        return list(self.scores)[:n]


async def popular(services: Services, ranking: str, category: str | None, wanted: int) -> Popular:
    """The `wanted` (or some more) best of a category and all below it, of all for None; empty for an unknown one."""
    rows = FEW if wanted <= FEW else MANY
    found: Popular = await services.kept.get(
        ("popular", ranking, category, rows), KEEP_SECONDS, lambda: _load(services, ranking, category, rows)
    )
    return found


async def _load(services: Services, ranking: str, category: str | None, rows: int) -> Popular:
    definition = next((one for one in services.config.rankings.definitions if one.name == ranking), None)
    if definition is None:  # only `popular` is sure to be configured
        return Popular({}, {})
    found = await read_ranking(services, definition, category, rows)
    if category is None:
        best = found.rows[0][1] if found.rows else 0.0
    else:
        best = await _best(services, ranking)
    return _popular(found.rows, best)


async def _best(services: Services, ranking: str) -> float:
    rows = await services.redis.zrevrange(services.keys.ranking(ranking, ALL), 0, 0, withscores=True)
    return float(rows[0][1]) if rows else 0.0


def _popular(rows: Iterable[Row], best: float) -> Popular:
    scores, categories = {}, {}
    for text, score in rows:
        category, item = split_member(text)
        if best > 0:
            scores[item], categories[item] = min(score / best, 1.0), category
    return Popular(scores, categories)
