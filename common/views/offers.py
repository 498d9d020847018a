"""What may be offered at all: products as the cache knows them, and the filters of a request."""

import math
from collections.abc import Collection
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Product:
    """What the product cache knows of an item."""

    category: str = ""
    price: float | None = None
    style: str = ""
    brand: str = ""
    active: bool = True
    in_stock: bool = True
    launch_day: int | None = None  # days since 1970-01-01


@dataclass(frozen=True)
class Filters:
    """What a caller asks to see; None: anything. `category` stands for itself and all below it."""

    category: str | None = None
    min_price: float | None = None
    max_price: float | None = None
    exclude: Collection[str] = field(default_factory=frozenset)

    @property
    def priced(self) -> bool:
        """Whether a price is asked for: then an item without a known price is refused."""
        return self.min_price is not None or self.max_price is not None

    def admit(self, item: str, product: Product) -> bool:
        """Whether the product may be shown."""
        if not product.active or not product.in_stock or item in self.exclude:
            return False
        if self.category is not None and not below(product.category, self.category):
            return False
        if not self.priced:
            return True
        low = 0.0 if self.min_price is None else self.min_price
        high = math.inf if self.max_price is None else self.max_price
        return product.price is not None and low <= product.price <= high


def below(category: str, top: str) -> bool:
    """Whether a category is `top` or in its sub-tree."""
    return category == top or category.startswith(f"{top}/")
