"""The surfaces: what each knows of a candidate, as named signals. `common.views.blend` makes the list of them.

| surface | candidates | signals |
|---|---|---|
| for-you | the model's, and what is popular where the user looks | als, category, price, trend, recent, fresh, seen |
| now | what the last items lead to | session, ctr, category, price, trend, recent, seen |
| trending | what is popular now | rising, trend, category, style, price, seen |
| related | what goes together with the item and the cart | together, als, session, complement, price, trend |
| similar | what could stand in for the item | together, als, session, alike, price, trend |

Items that the user has bought, and what the filters refuse, are never among the candidates that come out.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from common.views import signals
from common.views.blend import Candidate
from common.views.offers import Filters, Product
from common.views.profile import Profile

Scores = Mapping[str, float]
NOTHING: Scores = {}


@dataclass(frozen=True)
class Person:
    """Whom it is for: the profile, and what must not be offered again."""

    profile: Profile
    bought: Collection[str] = field(default_factory=frozenset)

    def admitted(self, products: Mapping[str, Product], filters: Filters) -> Iterator[tuple[str, Product]]:
        """The products that may be offered to this person."""
        purchased = self.profile.purchased
        for item, product in products.items():
            if item not in purchased and item not in self.bought and filters.admit(item, product):
                yield item, product


class _Fit:
    """How well a candidate fits this person now, on the three surfaces that are about a person."""

    def __init__(self, user: Profile, trend: Scores) -> None:
        self._user, self._trend, self._looked = user, trend, signals.looks(user.actions)

    def of(self, item: str, product: Product) -> dict[str, float]:
        """Its signals category, price, trend and seen."""
        user, looked = self._user, self._looked
        return {
            "category": signals.category_fit(product.category, user.categories, user.current_category),
            "price": signals.price_fit(product.price, user.price_band),
            "trend": self._trend.get(item, 0.0),
            "seen": signals.tired(looked[item]) if item in looked else 0.0,
        }


def for_you(
    als: Scores,
    products: Mapping[str, Product],
    seen: Mapping[str, Product],
    trend: Scores,
    person: Person,
    filters: Filters,
    today: int,
    fresh_days: float,
) -> Iterator[Candidate]:
    """`als` scores by item, `seen` the items seen last (newest first), `trend` 0 to 1, `today` in epoch days."""
    model, recent, fit = signals.shares(als), signals.Recent(seen.items()), _Fit(person.profile, trend)
    for item, product in person.admitted(products, filters):
        own = {
            "als": model.get(item, 0.0),
            "recent": recent.of(item, product),
            "fresh": signals.fresh(product.launch_day, today, fresh_days),
        }
        yield Candidate(item, product.category, own | fit.of(item, product))


def now(
    session: Scores,
    clicks: Scores,
    products: Mapping[str, Product],
    seen: Mapping[str, Product],
    trend: Scores,
    person: Person,
    filters: Filters,
) -> Iterator[Candidate]:
    """`session`: how strongly the last items lead to each; `clicks`: chances of a click, empty without a model."""
    led, chances = signals.shares(session), signals.shares(clicks)
    recent, fit = signals.Recent(seen.items()), _Fit(person.profile, trend)
    for item, product in person.admitted(products, filters):
        own = {"session": led.get(item, 0.0), "ctr": chances.get(item, 0.0), "recent": recent.of(item, product)}
        yield Candidate(item, product.category, own | fit.of(item, product))


def trending(
    rising: Scores,
    trend: Scores,
    products: Mapping[str, Product],
    styles: Scores,
    person: Person,
    filters: Filters,
) -> Iterator[Candidate]:
    """`rising` and `trend` 0 to 1; `styles` the share of each style in what the user looks at."""
    fit = _Fit(person.profile, trend)
    for item, product in person.admitted(products, filters):
        style = styles.get(product.style, 0.0) if product.style else 0.0
        yield Candidate(
            item, product.category, {"rising": rising.get(item, 0.0), "style": style, **fit.of(item, product)}
        )


@dataclass(frozen=True)
class Ties:
    """How strongly each item belongs to those at hand: by co-occurrence, by the model, in the newest sessions."""

    together: Scores = field(default_factory=dict)
    als: Scores = field(default_factory=dict)
    session: Scores = field(default_factory=dict)

    def shared(self) -> "Ties":
        """Co-occurrence and sessions as shares of the strongest."""
        return Ties(signals.shares(self.together), self.als, signals.shares(self.session))

    def of(self, item: str) -> dict[str, float]:
        """The signals together, als and session of an item."""
        return {
            "together": self.together.get(item, 0.0),
            "als": max(self.als.get(item, 0.0), 0.0),
            "session": self.session.get(item, 0.0),
        }


def related(
    ties: Ties,
    products: Mapping[str, Product],
    at_hand: Mapping[str, Product],
    trend: Scores,
    person: Person,
    filters: Filters,
) -> Iterator[Candidate]:
    """Complements of the items `at_hand`: the one asked about and the cart; none of them is offered."""
    tied, band = ties.shared(), person.profile.price_band
    categories = {product.category for product in at_hand.values()}
    for item, product in person.admitted(products, filters):
        if item not in at_hand:
            own = {
                "complement": float(bool(product.category) and product.category not in categories),
                "price": signals.price_fit(product.price, band),
                "trend": trend.get(item, 0.0),
            }
            yield Candidate(item, product.category, tied.of(item) | own)


def similar(
    ties: Ties,
    products: Mapping[str, Product],
    item: str,
    known: Product,
    trend: Scores,
    person: Person,
    filters: Filters,
) -> Iterator[Candidate]:
    """Substitutes for `item`."""
    tied, band = ties.shared(), {"low": known.price, "high": known.price}
    for other, product in person.admitted(products, filters):
        if other != item:
            own = {
                "alike": signals.alike(product, known),
                "price": signals.price_fit(product.price, band),
                "trend": trend.get(other, 0.0),
            }
            yield Candidate(other, product.category, tied.of(other) | own)
