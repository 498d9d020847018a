"""A list of articles on a surface, and which of them are clicked: a position-based model (Craswell et al. 2008).

    P(click) = P(looked at | position) · σ(z),  P(looked at | position n) = (n + 1)^−EXAMINED

z, the attraction, is higher in the category of the visit, for the shopper's style and price level, for an article in
demand and a new one, and lower each time the visit has shown it before. The chance of every exposure is known exactly:
what a click-through model's answers are compared with. Half of a list is chosen by the shopper's taste, half is any
article, so that there is something to tell apart; the order says nothing.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from local.simulator.catalog import STYLES, Catalog
from local.simulator.choice import Choice
from local.simulator.shoppers import Shoppers

LISTED = 5  # articles of a list
EXAMINED = 0.7
BASE, IN_CATEGORY, STYLE, PRICE, DEMAND, NEW, AGAIN = -2.6, 1.6, 1.2, 0.5, 0.5, 0.6, 0.5
NEW_DAYS = 30


class Shown(NamedTuple):
    """An article of a list, its place, and the chance that it is clicked there."""

    item: int
    position: int
    chance: float


@dataclass
class Lists:
    """Draws lists for the shoppers of a shop."""

    catalog: Catalog
    shoppers: Shoppers
    choice: Choice
    draw: Callable[[], float]

    def shown(self, user: int, category: int, before: Counter[int]) -> Iterator[Shown]:
        """A list for a visit in `category`; `before` counts what the visit was shown and is moved on."""
        for position in range(LISTED):
            by_taste = self.draw() < 0.5
            item = self.choice.item(user, category) if by_taste else int(self.draw() * len(self.catalog.ids))
            chance = examined(position) / (1.0 + math.exp(-self.attraction(user, category, item, before[item])))
            before[item] += 1
            yield Shown(item, position, chance)

    def attraction(self, user: int, category: int, item: int, before: int) -> float:
        """Log-odds of a click on an article that is looked at."""
        style = float(self.shoppers.style_taste[user][self.catalog.style[item]]) * len(STYLES)  # 1: as anyone
        away = (float(self.catalog.price_level[item]) - self.shoppers.price_level[user]) / 0.8
        return (
            BASE
            + IN_CATEGORY * (self.catalog.category[item] == category)
            + STYLE * math.log(min(style, 4.0) + 0.2)
            - PRICE * min(away * away, 6.0)
            + DEMAND * float(self.choice.appeal[item])
            + NEW * (self.catalog.launched_days_ago[item] < NEW_DAYS)
            - AGAIN * before
        )


def examined(position: int) -> float:
    """The chance that this place is looked at."""
    return float((position + 1) ** -EXAMINED)
