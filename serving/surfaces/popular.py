"""Popular items for the recommendation surfaces, read at most once in `KEEP_SECONDS` a process.

Every request would read the same hundreds of rows again. What cannot be bought may be among them: the surfaces'
filters refuse it. The rankings' own routes are exact (`serving.ranked`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from common.keys import ALL, split_member
from serving.ranked import read_ranking
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


async def popular(services: Services, ranking: str, category: str, wanted: int, subtree: bool = False) -> Popular:
    """The `wanted` (or some more) best of a category, or of `ALL`; empty for an unknown one.

    `subtree`: the category stands for all below it as well.
    """
    rows = FEW if wanted <= FEW else MANY
    key = ("popular", ranking, category, rows, subtree)
    found: Popular = await services.kept.get(
        key, KEEP_SECONDS, lambda: _load(services, ranking, category, rows, subtree)
    )
    return found


async def _load(services: Services, ranking: str, category: str, rows: int, subtree: bool) -> Popular:
    if subtree and category != ALL:
        definition = next((one for one in services.config.rankings.definitions if one.name == ranking), None)
        # only `popular` is sure to be configured
        listed = (await read_ranking(services, definition, category, rows)).rows if definition else []
    else:
        answer = await services.redis.zrevrange(services.keys.ranking(ranking, category), 0, rows - 1, withscores=True)
        listed = [(text.decode(), float(score)) for text, score in answer if score > 0]
    scores, categories = {}, {}
    for text, score in listed:
        name, item = split_member(text)
        scores[item], categories[item] = score, name
    return Popular(scores, categories)
