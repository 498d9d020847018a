"""What may be offered at all: products as the cache knows them, many of them as columns, and the filters of a request.

The surfaces look at hundreds of products an answer: signals and filters are worked out on columns, not one by one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, repeat
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
# Texts are numbers of `Names`, what is unknown is NaN; `offered`: neither withdrawn nor out of stock.
KNOWN = np.dtype(
    [("category", "i8"), ("style", "i8"), ("brand", "i8"), ("price", "f8"), ("launch_day", "f8"), ("offered", "?")]
)


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


class Names:
    """Numbers for categories, styles and brands, in the order in which they come; '' is 0."""

    def __init__(self) -> None:
        self._numbers = {"": 0}
        self._texts = [""]

    def __len__(self) -> int:
        return len(self._texts)

    def number(self, text: str) -> int:
        """The number of a text, a new one for one that is new."""
        found = self._numbers.get(text)
        if found is None:
            found = self._numbers[text] = len(self._texts)
            self._texts.append(text)
        return found

    def texts(self, column: Ints) -> list[str]:
        """The texts of a column of numbers."""
        texts = self._texts
        return [texts[n] for n in column.tolist()]

    def same(self, text: str | None, column: Ints) -> Bools:
        """Where a column has this text; nowhere for none and ''."""
        found: Bools = column == (self._numbers.get(text, -1) if text else -1)
        return found

    def weighed(self, weights: Mapping[str, float], column: Ints) -> Floats:
        """The weight of each text of a column; 0 for '' and for those without."""
        by_number = np.zeros(len(self._texts))
        for text, weight in weights.items():
            by_number[self._numbers.get(text, 0)] = weight
        by_number[0] = 0.0
        return by_number[column]

    def below(self, top: str, column: Ints) -> Bools:
        """Where a column has a category that is `top` or in its sub-tree."""
        return np.isin(column, [n for n in set(column.tolist()) if _below(self._texts[n], top)])


@dataclass(frozen=True)
class Offers:
    """Products, a row each: `known` has the fields of `KNOWN`."""

    items: Sequence[str]
    known: NDArray[np.void]
    names: Names

    @classmethod
    def of(cls, products: Mapping[str, Product]) -> "Offers":
        """The columns of some products."""
        names = Names()
        return cls(list(products), np.array([row(one, names) for one in products.values()], KNOWN), names)

    def __len__(self) -> int:
        return len(self.items)

    def where(self, mask: Bools) -> "Offers":
        """The rows that the mask has."""
        return Offers(list(compress(self.items, mask.tolist())), self.known[mask], self.names)

    def texts(self, kind: Literal["category", "style", "brand"]) -> Ints:
        """One of the columns of texts, as numbers of `names`."""
        return self.known[kind]

    def named(self, kind: Literal["category", "style", "brand"]) -> list[str]:
        """The same as texts."""
        return self.names.texts(self.known[kind])

    def numbers(self, kind: Literal["price", "launch_day"]) -> Floats:
        """One of the columns of numbers, NaN where unknown."""
        return self.known[kind]

    def column(self, values: Mapping[str, float]) -> Floats:
        """A value an item; 0 for those without."""
        get: Any = values.get
        return np.fromiter(map(get, self.items, repeat(0.0)), float, len(self.items))


def row(product: Product, names: Names) -> tuple[Any, ...]:
    """A row of `KNOWN`."""
    texts = [names.number(text) for text in (product.category, product.style, product.brand)]
    numbers = [np.nan if value is None else value for value in (product.price, product.launch_day)]
    return (*texts, *numbers, product.active and product.in_stock)


@dataclass(frozen=True)
class Filters:
    """What a caller asks to see; None: anything. `category` stands for itself and all below it."""

    category: str | None = None
    min_price: float | None = None
    max_price: float | None = None
    style: str | None = None
    exclude: Collection[str] = field(default_factory=frozenset)

    @property
    def priced(self) -> bool:
        """Whether a price is asked for: then an item without a known price is refused."""
        return self.min_price is not None or self.max_price is not None

    @property
    def narrow(self) -> bool:
        """Whether they may refuse most of a category."""
        return self.priced or self.style is not None

    def admit(self, offers: Offers, refused: Collection[str] = ()) -> Bools:
        """Which of the products may be shown: none of those excluded or `refused`."""
        out = {*self.exclude, *refused}
        may: Bools = offers.known["offered"] & np.array([item not in out for item in offers.items], bool)
        if self.category is not None:
            may &= offers.names.below(self.category, offers.texts("category"))
        if self.style is not None:
            may &= offers.names.same(self.style, offers.texts("style"))
        if self.priced:
            price = offers.numbers("price")
            low = 0.0 if self.min_price is None else self.min_price
            high = np.inf if self.max_price is None else self.max_price
            may &= (low <= price) & (price <= high)
        return may


def _below(category: str, top: str) -> bool:
    return category == top or category.startswith(f"{top}/")
