"""The calibrated chance of a click on each candidate, with what each signal adds to it.

All that it needs is in the process: the user's record, item counts, products. The model is read again when the pointer
has moved. Without a model, or with one trained on other features, there are no chances. `RedisError` propagates like
from any read: 503.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from common.keys import SEPARATOR, member
from common.models.ctr import Scorecard, sigmoid
from common.views.actions import Action
from common.views.ctr_features import (
    ACTED,
    DAY_MS,
    KEPT,
    MINUTE_MS,
    UNKNOWN,
    Deed,
    Floats,
    Offered,
    matrix,
    past,
    personal,
)
from common.views.offers import Offers, Product
from serving.item_counts import Counted
from serving.services import Services
from serving.stores import UserRecord
from serving.versions import Versions

SURFACE = "now"


@dataclass(frozen=True)
class Judged:
    """A row a candidate, in their order. `parts`: rows × `PARTS`, in log-odds; with `base` they add up to the logit of
    the chance of a click."""

    version: str
    base: float
    parts: Floats

    @property
    def logits(self) -> Floats:
        return np.asarray(self.base + self.parts.sum(axis=1))

    @property
    def chances(self) -> Floats:
        """Of a click on each, 0 to 1."""
        return sigmoid(self.logits)


async def judge(
    services: Services, versions: Versions, record: UserRecord, offers: Offers, surface: str = SURFACE
) -> Judged | None:
    """The chances of the offers on this surface, all at position 0; None without a model or offers. The record has what
    the person was shown."""
    actions = record.profile.actions
    card = await services.clicks.card(services.redis, services.keys, versions.ctr)
    counted = services.clicks.counts.now(versions.as_of)
    if card is None or not len(offers):
        return None
    acted = newest_deeds(actions)
    products = await services.products.of(dict.fromkeys(action.item_id for action in acted))
    moment = moment_ms(services.clicks.clock(), versions.as_of, actions)
    x = features(moment, offers, deeds_of(acted, products), read_shown(record.shown), counted, card)
    return Judged(card.version, card.base, card.parts(card.shown_at(x, surface)))


def features(
    moment: int,
    offers: Offers,
    deeds: Sequence[Deed],
    shown: Sequence[tuple[int, str]],
    counted: Counted,
    card: Scorecard,
) -> Floats:
    """Offers × `FEATURES`; `deeds` and `shown` oldest first."""
    price = offers.numbers("price")
    price = np.where(price > 0, price, np.nan)
    category, launched = offers.named("category"), offers.numbers("launch_day").tolist()
    brand, style = offers.named("brand"), offers.named("style")
    offered = Offered(offers.items, category, brand, style, np.nan_to_num(price).tolist(), launched)
    own = np.array(personal(past(deeds, shown, moment), offered), float).T
    counts = counted.of(list(map(member, category, offers.items)))
    usual = np.array([card.category_price.get(name, UNKNOWN) for name in category])
    return matrix(own, counts, np.log(price), usual)


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


def deeds_of(acted: Sequence[Action], products: Mapping[str, Product]) -> list[Deed]:
    """The actions with what is known of their products."""
    known = [(action, products[action.item_id]) for action in acted]
    return [Deed(a.time_ms, a.item_id, a.category, p.brand, p.style, a.price or 0.0) for a, p in known]
