"""One visit to the shop as a state machine: search → see → click → cart or wish → buy → order → payment.

`visit` is a generator: each step yields a `Step` (seconds the shopper takes first, event type, fields), and
is resumed only when its time has come, so trends and promotions act on sessions that are under way.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from local.simulator.catalog import CATEGORIES, STYLES, Catalog
from local.simulator.choice import Choice
from local.simulator.exposure import Lists
from local.simulator.scenario import Scenario
from local.simulator.shoppers import Shoppers

SURFACES = ("home", "search", "for-you", "category")
METHODS = ("card", "card", "card", "paypal", "klarna")
ANONYMOUS = 0.12
Fields = dict[str, Any]


class Step(NamedTuple):
    think: float
    event_type: str
    fields: Fields
    chance: float | None = None  # of an exposure: that it is clicked


@dataclass
class Shop:
    """What a visit can see and change. `now` is seconds after the live events began."""

    catalog: Catalog
    shoppers: Shoppers
    choice: Choice
    scenario: Scenario
    draw: Callable[[], float]
    currency: str
    run_id: str
    now: float = -1.0
    orders: int = 0
    trend_searches: dict[str, int] = field(default_factory=dict)
    promoted_purchases: int = 0
    sold: dict[int, int] = field(default_factory=dict)  # units by article since the last change record

    def order_id(self) -> str:
        self.orders += 1
        return f"{self.run_id}-o{self.orders}"

    def sell(self, item: int, quantity: int) -> None:
        """Takes from stock what is there; more comes with the next change records."""
        taken = min(quantity, self.catalog.stock[item])
        self.catalog.stock[item] -= taken
        self.sold[item] = self.sold.get(item, 0) + taken


def visit(shop: Shop, user: int, unit: str) -> Iterator[Step]:
    """The steps of one visit by `user`; `unit` is whom experiments assign: user or session id."""
    draw, choice = shop.draw, shop.choice
    category = choice.category(user)
    searched: dict[str, Any] = {}
    if draw() < 0.45:
        searched = {"query": _query(shop, user, category)}
        yield Step(2.0, "search", searched | {"surface": "search"})
    cart: list[tuple[int, int]] = []
    shown: Counter[int] = Counter()
    while True:
        item = choice.item(user, category)
        yield from _look(shop, item, searched)
        if draw() < 0.15:
            yield from _list(shop, user, unit, category, shown)
        if draw() < 0.22:
            yield Step(6.0, "cart_add", _item(shop, item) | {"quantity": 1})
            cart.append((item, 2 if draw() < 0.08 else 1))
        elif draw() < 0.12:
            yield Step(4.0, "wish_add", _item(shop, item))
            if draw() < 0.05:
                yield Step(20.0, "wish_remove", _item(shop, item))
        if cart and draw() < 0.05:
            yield Step(8.0, "cart_remove", _item(shop, cart.pop()[0]))
        if draw() < 0.25:
            break
        if draw() < 0.35:
            category, searched = choice.category(user), {}
    if cart and draw() < _propensity(shop, user, unit, cart):
        yield from _checkout(shop, user, unit, cart)


def _look(shop: Shop, item: int, searched: dict[str, Any]) -> Iterator[Step]:
    """An article found by searching or going through a category: often clicked there, its page viewed. A click after a
    search names its query."""
    draw = shop.draw
    if draw() < 0.5:
        where = {"surface": SURFACES[int(draw() * len(SURFACES))], "position": int(draw() * 10)}
        yield Step(3.0, "click", _item(shop, item) | where | searched)
    yield Step(1.0 + 15.0 * draw(), "view", _item(shop, item))


def _list(shop: Shop, user: int, unit: str, category: int, before: Counter[int]) -> Iterator[Step]:
    """Articles shown together; what is clicked is viewed."""
    draw = shop.draw
    surface = SURFACES[int(draw() * len(SURFACES))]
    clicked = []
    for shown in Lists(shop.catalog, shop.shoppers, shop.choice, draw).shown(user, category, before):
        where = {"surface": surface, "position": shown.position}
        yield Step(0.3, "exposure", _item(shop, shown.item) | where | _variant(shop, unit), shown.chance)
        if draw() < shown.chance:
            clicked.append((shown.item, where))
    for item, where in clicked:
        yield Step(3.0, "click", _item(shop, item) | where)
        yield Step(1.0 + 15.0 * draw(), "view", _item(shop, item))


def _checkout(shop: Shop, user: int, unit: str, cart: list[tuple[int, int]]) -> Iterator[Step]:
    order, total, units = shop.order_id(), 0.0, 0
    for item, quantity in cart:
        bought = _item(shop, item) | {"quantity": quantity, "order_id": order}
        total, units = total + bought["price"] * quantity, units + quantity
        shop.promoted_purchases += "promotion_id" in bought
        shop.sell(item, quantity)
        yield Step(2.0, "purchase", bought)
    total = round(total, 2)
    yield Step(0.5, "order", {"order_id": order, "price": total, "quantity": units})
    yield Step(0.5, "payment", {"order_id": order, "payment": payment(shop, user, unit, total)})
    if shop.draw() < 0.04:
        item, _ = cart[0]
        yield Step(60.0, "refund", _item(shop, item) | {"quantity": 1, "order_id": order})


def payment(shop: Shop, user: int, unit: str, amount: float) -> Fields:
    """A user pays from one or two cards and one device, mostly to the own country."""
    country = shop.shoppers.country[user]
    return {
        "method": METHODS[int(shop.draw() * len(METHODS))],
        "amount": amount,
        "currency": shop.currency,
        "card_token": f"card-{unit}-{1 if shop.draw() < 0.85 else 2}",
        "device_id": f"dev-{unit}",
        "ip": f"10.{user >> 16 & 255}.{user >> 8 & 255}.{user & 255}",
        "billing_country": country,
        "shipping_country": country if shop.draw() < 0.97 else "US",
    }


def _item(shop: Shop, item: int) -> Fields:
    path = CATEGORIES[shop.catalog.category[item]][0]
    price = shop.catalog.price[item]
    for promotion in shop.scenario.promotions:
        if promotion.category == path and promotion.span.holds(shop.now):
            cut = round(price * (1 - promotion.discount), 2)
            return _fields(shop, item, path, cut) | {"promotion_id": promotion.promotion_id}
    return _fields(shop, item, path, price)


def _fields(shop: Shop, item: int, path: str, price: float) -> Fields:
    return {"item_id": shop.catalog.ids[item], "category": path, "price": price}


def _variant(shop: Shop, unit: str) -> Fields:
    for experiment in shop.scenario.experiments:
        if experiment.span.holds(shop.now):
            return {"experiment": experiment.name, "variant": experiment.variant(unit)}
    return {}


def _propensity(shop: Shop, user: int, unit: str, cart: list[tuple[int, int]]) -> float:
    chance = shop.shoppers.propensity[user]
    for experiment in shop.scenario.experiments:
        if experiment.span.holds(shop.now) and experiment.variant(unit) == "treatment":
            chance *= 1 + experiment.lift
    paths = {CATEGORIES[shop.catalog.category[item]][0] for item, _ in cart}
    for promotion in shop.scenario.promotions:
        if promotion.span.holds(shop.now) and promotion.category in paths:
            chance *= 1 + promotion.discount
    return chance


def _query(shop: Shop, user: int, category: int) -> str:
    for trend in shop.scenario.trends:
        if shop.draw() < trend.chance(shop.now):
            shop.trend_searches[trend.keyword] = shop.trend_searches.get(trend.keyword, 0) + 1
            return trend.keyword
    noun = CATEGORIES[category][2]
    if shop.draw() < 0.5:
        return noun
    style = int(shop.shoppers.style_taste[user].argmax())
    return f"{STYLES[style]} {noun}"
