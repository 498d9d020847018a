"""Reads a ranking: the best of all or of a category's sub-tree, without what cannot be bought.

One script call answers for any sub-tree (`top.lua`); what is withdrawn or out of stock is left out, and as many
more are asked for as the limit needs (docs/adr/0011).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from common.config import CorrectedConfig, RankingConfig
from common.keys import ALL, split_member
from common.models.rates import rate_name
from common.views.past import Standing
from common.views.rankings import Row, best, decay_factor
from serving.past import DAY, hour_of
from serving.services import Services

VIEWS = "views-1h"
SPARE = 10  # asked for beyond the limit at once
WIDE, WIDE_SECONDS = 200, 1.0  # so many categories cost Redis milliseconds: kept for so long
MOST = 16_000  # rows looked at a request: below them nothing is offered
FACTORS_SECONDS = 1.0  # which factors hold changes by the hour, and when newer ones are published
Views = dict[str, float | None]  # of the last hour, by member
Top = tuple[list[Row], Views, int | None, int | None, int | None]  # rows, views, as_of, horizon, landmark


@dataclass(frozen=True)
class Ranking:
    """`rows` best first with scores as stored; `factor` makes them those of `as_of` (epoch minutes).

    `ranks` are those among all, also those that cannot be bought: what a rank of another minute is compared with.
    """

    rows: list[Row]
    ranks: list[int]
    factor: float
    views: list[float | None]
    as_of: int | None
    horizon: int | None


async def read_ranking(
    services: Services, definition: RankingConfig, category: str | None, limit: int, factors: str = ""
) -> Ranking:
    """The best `limit` that can be bought, of the sub-tree below `category`; equals are cut by item id.

    `factors` is the key of a hash category → factor that the scores are multiplied by; '' for none.
    """
    wanted = limit + SPARE
    while True:
        found, views, as_of, horizon, landmark = await _top(services, definition, category or ALL, wanted, factors)
        ordered = await each_once(services, found)
        rows = await buyable(services, ordered)
        if len(rows) >= limit or len(found) < wanted or wanted >= MOST:
            break
        wanted *= 4
    rows = rows[:limit]
    places = {name: place for place, (name, _) in enumerate(ordered, start=1)}
    ranks = [places[name] for name, _ in rows]
    factor = decay_factor(definition, as_of, landmark)
    return Ranking(rows, ranks, factor, _views_of(rows, views), as_of, horizon)


async def read_past(
    services: Services,
    definition: RankingConfig,
    corrected: CorrectedConfig | None,
    category: str | None,
    limit: int,
    minute: int,
) -> tuple[Ranking, Standing] | None:
    """The ranking at `minute` as counted, and that of an hour before it; None where nothing newer is known: then
    what stands now is the answer.

    What can be bought today says nothing about then: nothing is left out.
    """
    keys = services.keys
    as_of, horizon = (
        None if text is None else int(text) for text in await services.redis.mget(keys.as_of, keys.horizon)
    )
    if as_of is not None and as_of <= minute:
        return None
    recent = as_of is not None and as_of - minute <= DAY
    then = await services.past.at(definition, corrected, minute, recent)
    rows = then.now.best(category, limit)
    views = then.views.score_of([name for name, _ in rows], category)
    ranks = list(range(1, len(rows) + 1))
    return Ranking(rows, ranks, 1.0, views, minute if then.known else None, horizon), then.before


async def read_factors(services: Services, corrected: CorrectedConfig) -> str:
    """Key of the factors that hold at `as_of` in the shop's hours; '' before any were learned."""
    keys = services.keys

    async def load() -> str:
        as_of, version = await services.redis.mget(keys.as_of, keys.live_corrections)
        if as_of is None or version is None:
            return ""
        return keys.corrections(version.decode(), corrected.name, hour_of(services.config, int(as_of)))

    found: str = await services.kept.get(("factors", corrected.name), FACTORS_SECONDS, load)
    return found


async def read_rate(services: Services, name: str) -> RankingConfig:
    """The version of a rate that is served, as a ranking; an empty one before any was learned."""
    version = await services.redis.get(services.keys.live_rates)
    return RankingConfig(rate_name(name, version.decode() if version else ""), "window", 1, {})


async def each_once(services: Services, rows: Sequence[Row]) -> list[Row]:
    """The rows best first, an item of several categories once, in that of the catalogue where it is among them."""
    products = await services.products.of(dict.fromkeys(split_member(text)[1] for text, _ in rows))
    return best(rows, len(rows), {item: product.category for item, product in products.items()})


async def buyable(services: Services, rows: Sequence[Row]) -> list[Row]:
    """The rows without those withdrawn or out of stock. What the catalogue doesn't know stays."""
    items = [split_member(text)[1] for text, _ in rows]
    products = await services.products.of(dict.fromkeys(items))
    return [row for row, item in zip(rows, items, strict=True) if products[item].active and products[item].in_stock]


def _views_of(rows: Sequence[Row], views: Views) -> list[float | None]:
    """The views of each row's item, in all categories that were looked at; None for none."""
    seen: dict[str, float] = {}
    for text, count in views.items():
        if count is not None:
            item = split_member(text)[1]
            seen[item] = seen.get(item, 0.0) + count
    return [seen.get(split_member(text)[1]) for text, _ in rows]


async def _top(services: Services, definition: RankingConfig, top: str, wanted: int, factors: str) -> Top:
    """`wanted` best rows; of a sub-tree known to be wide, those of WIDE_SECONDS ago at most."""

    async def load() -> Top:
        return await _load(services, definition, top, wanted, factors)

    key = ("top", definition.name, top, wanted, factors)
    if (top, factors) in services.wide:
        found: Top = await services.kept.get(key, WIDE_SECONDS, load)
        return found
    return await load()


async def _load(services: Services, definition: RankingConfig, top: str, wanted: int, factors: str) -> Top:
    keys = services.keys
    answer = await services.top_script(
        keys=[keys.tree, keys.as_of, keys.horizon, keys.landmark(definition.name), keys.ranking(VIEWS, ALL)],
        args=[keys.ranking(definition.name, ""), top, wanted, factors],
    )
    as_of, horizon, landmark = (None if text is None else int(text) for text in answer[:3])
    if answer[3] > WIDE:
        services.wide.add((top, factors))
    members = [text.decode() for text in answer[4::3]]
    rows = [(member, float(score)) for member, score in zip(members, answer[5::3], strict=True)]
    views = {m: None if seen is None else float(seen) for m, seen in zip(members, answer[6::3], strict=True)}
    return rows, views, as_of, horizon, landmark
