"""The surfaces: what each knows of a candidate, as named signals. `common.views.blend` makes the list of them.

| surface | candidates | signals |
|---|---|---|
| for-you | the model's, and what is popular where the user looks | als, category, price, trend, recent, fresh, seen |
| now | what the last items lead to | session, ctr, category, price, trend, recent, seen |
| trending | what is popular now | rising, trend, category, style, price, seen |
| related | what goes together with the item and the cart | together, als, session, complement, price, trend |
| similar | what could stand in for the item | together, als, session, alike, price, trend |

What enters has been through `admitted`: items that the user has bought, and what the filters refuse, are never among
the candidates that come out.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from common.views import signals
from common.views.blend import Candidates
from common.views.offers import Bools, Filters, Floats, Offers, Product
from common.views.profile import Profile

Scores = Mapping[str, float]


@dataclass(frozen=True)
class Person:
    """Whom it is for: the profile, what must not be offered again, and price bands by category where they are known."""

    profile: Profile
    bought: Collection[str] = field(default_factory=frozenset)
    price_bands: Mapping[str, signals.Band] = field(default_factory=dict)


def admitted(offers: Offers, person: Person, filters: Filters, but: Collection[str] = ()) -> Bools:
    """Which of the products may be offered to this person: none of `but`."""
    return filters.admit(offers, {*person.profile.purchased, *person.bought, *but})


def for_you(
    offers: Offers,
    als: Scores,
    seen: Mapping[str, Product],
    trend: Floats,
    person: Person,
    today: int,
    fresh_days: float,
) -> Candidates:
    """`als` scores by item, `seen` the items seen last (newest first), `trend` 0 to 1, `today` in epoch days."""
    own = {
        "als": signals.shares(offers, als),
        "recent": signals.recent(offers, seen),
        "fresh": signals.fresh(offers, today, fresh_days),
    }
    return _candidates(offers, own | _fit(offers, trend, person))


def now(
    offers: Offers, session: Scores, clicks: Floats, seen: Mapping[str, Product], trend: Floats, person: Person
) -> Candidates:
    """`session`: how strongly the last items lead to each; `clicks`: chances of a click, 0 without a model."""
    own = {
        "session": signals.shares(offers, session),
        "ctr": clicks / max(clicks.max(initial=0.0), 1e-300),
        "recent": signals.recent(offers, seen),
    }
    return _candidates(offers, own | _fit(offers, trend, person))


def trending(offers: Offers, rising: Floats, trend: Floats, styles: Scores, person: Person) -> Candidates:
    """`rising` and `trend` 0 to 1; `styles` the share of each style in what the user looks at."""
    own = {"rising": rising, "style": offers.names.weighed(styles, offers.texts("style"))}
    return _candidates(offers, own | _fit(offers, trend, person))


@dataclass(frozen=True)
class Ties:
    """How strongly each item belongs to those at hand: by co-occurrence, by the model, in the newest sessions."""

    together: Scores = field(default_factory=dict)
    als: Scores = field(default_factory=dict)
    session: Scores = field(default_factory=dict)

    def of(self, offers: Offers) -> dict[str, Floats]:
        """The signals together, als and session: co-occurrence and sessions as shares of the strongest."""
        return {
            "together": signals.shares(offers, self.together),
            "als": np.maximum(offers.column(self.als), 0.0),
            "session": signals.shares(offers, self.session),
        }


def related(offers: Offers, ties: Ties, at_hand: Mapping[str, Product], trend: Floats, person: Person) -> Candidates:
    """Complements of the items `at_hand`: the one asked about and the cart."""
    own = {
        "complement": signals.complement(offers, {product.category for product in at_hand.values()}),
        "price": signals.price_fit(offers, person.profile.price_band, person.price_bands),
        "trend": trend,
    }
    return _candidates(offers, ties.of(offers) | own)


def similar(offers: Offers, ties: Ties, known: Product, trend: Floats) -> Candidates:
    """Substitutes for the product `known`."""
    own = {
        "alike": signals.alike(offers, known),
        "price": signals.price_fit(offers, {"low": known.price, "high": known.price}),
        "trend": trend,
    }
    return _candidates(offers, ties.of(offers) | own)


def _fit(offers: Offers, trend: Floats, person: Person) -> dict[str, Floats]:
    """How well each fits this person now: category, price, trend and seen, on the three surfaces about a person."""
    user = person.profile
    return {
        "category": signals.category_fit(offers, user.categories, user.current_category),
        "price": signals.price_fit(offers, user.price_band, person.price_bands),
        "trend": trend,
        "seen": signals.tired(offers, signals.looks(user.actions)),
    }


def _candidates(offers: Offers, known: Mapping[str, Floats]) -> Candidates:
    return Candidates(offers.items, offers.texts("category"), known)
