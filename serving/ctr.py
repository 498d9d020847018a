"""Orders candidates by their calibrated chance of a click, with what each signal adds to it.

One Redis pipeline a request (pointer, clock, what the person was shown); item counts and products are in the process.
The model is read again when the pointer has moved. Without a model, or with one trained on other features, the
candidates keep their scores and no version is named. `RedisError` propagates like from any read: 503.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from common.keys import SEPARATOR, member
from common.models.ctr import PARTS, Scorecard
from common.views.actions import Action
from common.views.ctr_features import (
    ACTED,
    DAY_MS,
    KEPT,
    MINUTE_MS,
    UNKNOWN,
    Deed,
    Floats,
    Offer,
    matrix,
    past,
    personal,
)
from common.views.offers import Product
from serving.item_counts import Counted
from serving.services import Services
from serving.stores import UserRecord

SURFACE = "now"


@dataclass(frozen=True)
class Ranked:
    """`score` is the chance of a click, else the candidate's own. `parts` are in log-odds and add up, with the answer's
    `base`, to the logit of the score."""

    item_id: str
    score: float
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Reranked:
    """Best first; ties keep the candidates' order. Without a model `version` is None."""

    items: list[Ranked]
    version: str | None = None
    base: float = 0.0


async def rerank(
    services: Services, user: str, record: UserRecord, candidates: Mapping[str, float], surface: str = SURFACE
) -> Reranked:
    """`candidates` (item → score) in the order of their chances on this surface, all at position 0."""
    actions = record.profile.actions
    pipeline = services.redis.pipeline(transaction=False)
    pipeline.get(services.keys.live_ctr)
    pipeline.get(services.keys.as_of)
    pipeline.zrevrange(services.keys.shown(user), 0, KEPT - 1)
    version, as_of, shown = await pipeline.execute()
    card = await services.clicks.card(services.redis, services.keys, version.decode() if version else None)
    minute = int(as_of) if as_of else None
    counted = services.clicks.counts.now(minute)
    if card is None or not candidates:
        return Reranked([Ranked(*pair) for pair in sorted(candidates.items(), key=lambda pair: -pair[1])])
    acted = newest_deeds(actions)
    products = await services.products.of(dict.fromkeys([*candidates, *(action.item_id for action in acted)]))
    moment = moment_ms(services.clicks.clock(), minute, actions)
    x = features(moment, list(candidates), acted, read_shown(shown), products, counted, card)
    return _ordered(card, list(candidates), card.shown_at(x, surface))


def features(
    moment: int,
    items: Sequence[str],
    acted: Sequence[Action],
    shown: Sequence[tuple[int, str]],
    products: Mapping[str, Product],
    counted: Counted,
    card: Scorecard,
) -> Floats:
    """Items × `FEATURES`; `acted` and `shown` oldest first."""
    deeds = [_deed(action, products[action.item_id]) for action in acted]
    offers = [_offer(item, products[item]) for item in items]
    own = personal(past(deeds, shown, moment), offers)
    counts = counted.of([member(offer.category, offer.item_id) for offer in offers])
    prices = np.log([offer.price or np.nan for offer in offers])
    usual = np.array([card.category_price.get(offer.category, UNKNOWN) for offer in offers])
    return matrix(own, counts, prices, usual)


def moment_ms(now: float, as_of: int | None, actions: Sequence[Action]) -> int:
    """The moment that features are of: now, or the end of the newest minute of the events where that is long past (a
    replay), but after the person's newest action."""
    moment = int(now * 1000)
    if as_of is not None:
        moment = min(moment, (as_of + 1) * MINUTE_MS)
    return max([moment, *(action.time_ms + 1 for action in actions[:1])])


def newest_deeds(actions: Sequence[Action]) -> list[Action]:
    """The newest actions that count, of a day before the newest, oldest first."""
    since = actions[0].time_ms - DAY_MS if actions else 0
    kept = [a for a in actions if a.event_type in ACTED and a.item_id and a.time_ms >= since]
    return kept[:KEPT][::-1]


def read_shown(members: Sequence[bytes]) -> list[tuple[int, str]]:
    """(time, item) of what was shown, oldest first."""
    pairs = (text.decode().rpartition(SEPARATOR) for text in reversed(members))
    return [(int(time_ms), item) for item, _, time_ms in pairs]


def _deed(action: Action, product: Product) -> Deed:
    price = action.price or 0.0
    return Deed(action.time_ms, action.item_id, action.category, product.brand, product.style, price)


def _offer(item: str, product: Product) -> Offer:
    launched = UNKNOWN if product.launch_day is None else float(product.launch_day)
    return Offer(item, product.category, product.brand, product.style, product.price or 0.0, launched)


def _ordered(card: Scorecard, items: Sequence[str], x: Floats) -> Reranked:
    parts = card.parts(x)
    logits = card.base + parts.sum(axis=1)
    order = np.argsort(-logits, kind="stable")
    rows: list[Any] = parts[order].tolist()
    ranked = [
        Ranked(items[n], 1.0 / (1.0 + math.exp(-float(logits[n]))), dict(zip(PARTS, row, strict=True)))
        for n, row in zip(order, rows, strict=True)
    ]
    return Reranked(ranked, card.version, card.base)
