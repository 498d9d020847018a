"""How strongly items belong to those at hand, from the lists of the job `related`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal

import orjson

from common.views.surfaces import Ties
from serving.services import Services

Kind = Literal["related", "similar"]
Listed = list[tuple[str, float, float]]  # item, together, als


async def read_ties(
    services: Services, version: str | None, kinds: Iterable[Kind], at_hand: Mapping[str, float]
) -> Ties:
    """Σ over the items at hand of weight · measure, for all on their lists; one round trip for those not kept.

    Nothing without a version, or where its lists have vanished.
    """
    wanted = [(item, weight, kind) for kind in kinds for item, weight in at_hand.items()]
    if version is None or not wanted:
        return Ties()

    async def read(keys: list[str]) -> list[Listed]:
        pipeline = services.redis.pipeline(transaction=False)
        for key in keys:
            pipeline.get(key)
        return [orjson.loads(text or b"[]") for text in await pipeline.execute()]

    found = await services.ties.of([services.keys.related(version, kind, item) for item, _, kind in wanted], read)
    lists = [(weight, listed) for (_, weight, _), listed in zip(wanted, found, strict=True) if listed]
    return joined(lists, services.config.recommend.candidates)


def joined(lists: Iterable[tuple[float, Listed]], most: int) -> Ties:
    """The weighted sums of several lists, of the `most` strongest; `als` is a mean, so that it stays a cosine."""
    together: defaultdict[str, float] = defaultdict(float)
    als: defaultdict[str, float] = defaultdict(float)
    total = 0.0
    for weight, listed in lists:
        total += weight
        for item, strength, cosine in listed:
            together[item] += weight * strength
            als[item] += weight * cosine
    kept = sorted(zip(together.values(), als.values(), together, strict=True), reverse=True)[:most]
    return Ties({item: strength for strength, _, item in kept}, {item: cosine / total for _, cosine, item in kept})
