"""Popular items for the recommendation surfaces, read at most once in `KEEP_SECONDS` a process.

Every request would read the same hundreds of rows again. What cannot be bought is left out, and more rows are read
where that leaves few; what has become so since then, the surfaces' filters refuse. The rankings' own routes are exact
(`serving.ranked`).
"""

from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass
from itertools import islice

from common.keys import ALL, split_member
from common.views.rankings import Row
from serving.ranked import MOST, buyable, each_once, read_ranking
from serving.services import Services

POPULAR, RISING = "popular", "popular-30m"
KEEP_SECONDS = 2.0
FEW, MANY = 200, 2000  # rows kept of a ranking: a price filter may refuse most of them


@dataclass(frozen=True)
class Popular:
    """Rows of a ranking, best first, as stored: `scores` by item, `categories` as ranked."""

    scores: dict[str, float]
    categories: dict[str, str]

    def first(self, n: int) -> Iterable[str]:
        """The `n` best items."""
        return islice(self.scores, n)


async def popular(
    services: Services, ranking: str, categories: Iterable[str], wanted: int, subtree: bool = False
) -> list[Popular]:
    """The `wanted` (or some more) best of all, and of each of the categories; empty for an unknown one.

    `subtree`: a category stands for all below it as well.
    """
    rows = FEW if wanted <= FEW else MANY

    def load(category: str, subtree: bool) -> Callable[[], Awaitable[Popular]]:
        return lambda: _load(services, ranking, category, rows, subtree)

    asked = [(ALL, False), *((category, subtree) for category in categories)]
    makes: dict[Hashable, Callable[[], Awaitable[Popular]]] = {
        ("popular", ranking, category, rows, below): load(category, below) for category, below in asked
    }
    return await services.kept.all_of(makes, KEEP_SECONDS)


async def _load(services: Services, ranking: str, category: str, rows: int, subtree: bool) -> Popular:
    if subtree and category != ALL:
        definition = next((one for one in services.config.rankings.definitions if one.name == ranking), None)
        # only `popular` is sure to be configured
        listed = (await read_ranking(services, definition, category, rows)).rows if definition else []
    else:
        listed = await _buyable_rows(services, services.keys.ranking(ranking, category), rows)
    scores, categories = {}, {}
    for text, score in listed[:rows]:
        name, item = split_member(text)
        scores[item], categories[item] = score, name
    return Popular(scores, categories)


async def _buyable_rows(services: Services, key: str, rows: int) -> list[Row]:
    """The best rows that can be bought: at least half of `rows`, where there are as many among the first `MOST`."""
    wanted = rows
    while True:
        answer = await services.redis.zrevrange(key, 0, wanted - 1, withscores=True)
        once = await each_once(services, [(text.decode(), float(score)) for text, score in answer])
        found = await buyable(services, once)
        if len(found) >= rows // 2 or len(answer) < wanted or wanted >= MOST:
            return found
        wanted = min(4 * wanted, MOST)
