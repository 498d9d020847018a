"""How strongly items belong to those at hand, from the lists of the job `related`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from heapq import nlargest
from typing import Literal

import orjson

from common.views.surfaces import Ties
from serving.services import Services

Kind = Literal["related", "similar"]
Listed = list[tuple[str, float, float]]  # item, together, als


async def read_ties(
    services: Services, version: str | None, kinds: Iterable[Kind], at_hand: Mapping[str, float]
) -> Ties:
    """Σ over the items at hand of weight · measure, for all on their lists; one round trip.

    Nothing without a version, or where its lists have vanished.
    """
    wanted = [(item, weight, kind) for kind in kinds for item, weight in at_hand.items()]
    if version is None or not wanted:
        return Ties()
    pipeline = services.redis.pipeline(transaction=False)
    for item, _, kind in wanted:
        pipeline.get(services.keys.related(version, kind, item))
    answers = await pipeline.execute()
    lists = [(weight, orjson.loads(text)) for (_, weight, _), text in zip(wanted, answers, strict=True) if text]
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
    kept = nlargest(most, together, key=lambda item: (together[item], als[item], item))
    return Ties({item: together[item] for item in kept}, {item: als[item] / total for item in kept})
