"""The shop's articles: drawn once from the seed, then changing price and stock.

Truth an article carries: category, style, `price_level` (its log price within the category, in standard
deviations) and `appeal` (log popularity, which drifts). Leaves: change records in Debezium's envelope.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

PRICE_SPREAD = 0.45  # standard deviation of log price within a category
APPEAL_SPREAD = 0.9

# path, median price, the noun people search for
CATEGORIES = (
    ("women/dresses", 48.0, "dress"),
    ("women/tops", 24.0, "top"),
    ("women/knitwear", 42.0, "jumper"),
    ("women/trousers", 40.0, "trousers"),
    ("women/skirts", 34.0, "skirt"),
    ("women/coats", 110.0, "coat"),
    ("women/shoes", 65.0, "heels"),
    ("men/shirts", 36.0, "shirt"),
    ("men/t-shirts", 18.0, "t-shirt"),
    ("men/knitwear", 46.0, "sweater"),
    ("men/jeans", 60.0, "jeans"),
    ("men/jackets", 95.0, "jacket"),
    ("men/suits", 180.0, "suit"),
    ("men/shoes", 75.0, "shoes"),
    ("sport/leggings", 38.0, "leggings"),
    ("sport/trainers", 80.0, "trainers"),
    ("accessories/bags", 70.0, "bag"),
    ("accessories/scarves", 22.0, "scarf"),
    ("accessories/jewellery", 28.0, "necklace"),
    ("accessories/sunglasses", 55.0, "sunglasses"),
)
STYLES = ("minimal", "street", "classic", "boho", "sporty", "romantic")
BRANDS = (
    "Alder",
    "Birch & Co",
    "Corvi",
    "Dalia",
    "Estrel",
    "Fjord",
    "Garnet",
    "Halden",
    "Ivory",
    "Juno",
    "Kestrel",
    "Lumen",
)


@dataclass
class Catalog:
    """Articles by index; `price` and `stock` change, the arrays are the truth they were drawn from."""

    category: list[int]
    style: list[int]
    brand: list[int]
    launched_days_ago: list[int]
    price_level: NDArray[np.float64]
    appeal: NDArray[np.float64]
    price: list[float]
    stock: list[int]
    lsn: int = 0
    ids: list[str] = field(default_factory=list)

    def row(self, item: int, day: datetime) -> dict[str, Any]:
        """The article as the shop's database holds it; `day` is the first day of the simulation."""
        path, _, noun = CATEGORIES[self.category[item]]
        style, brand = STYLES[self.style[item]], BRANDS[self.brand[item]]
        return {
            "item_id": self.ids[item],
            "title": f"{brand} {style} {noun}",
            "category": path,
            "brand": brand,
            "style": style,
            "price": self.price[item],
            "stock": self.stock[item],
            "launch_date": (day - timedelta(days=self.launched_days_ago[item])).date().isoformat(),
            "status": "active",
        }

    def change(self, op: str, before: dict[str, Any] | None, after: dict[str, Any], at_ms: int) -> bytes:
        """One change record; `lsn` only ever grows, also over runs that start later."""
        self.lsn = max(self.lsn + 1, at_ms * 1000)
        source = {"ts_ms": at_ms, "lsn": self.lsn}
        return orjson.dumps({"op": op, "before": before, "after": after, "source": source})


def draw_catalog(rng: np.random.Generator, items: int) -> Catalog:
    """`items` articles spread over all categories and styles."""
    category = rng.permutation(np.arange(items) % len(CATEGORIES))
    level = rng.normal(size=items)
    median = np.array([c[1] for c in CATEGORIES])[category]
    fresh = rng.random(items) < 0.1
    age = np.where(fresh, rng.integers(0, 30, items), rng.integers(30, 720, items))
    return Catalog(
        category=category.tolist(),
        style=rng.integers(0, len(STYLES), items).tolist(),
        brand=rng.integers(0, len(BRANDS), items).tolist(),
        launched_days_ago=age.tolist(),
        price_level=level,
        appeal=rng.normal(0.0, APPEAL_SPREAD, items),
        price=np.round(median * np.exp(PRICE_SPREAD * level), 2).tolist(),
        stock=rng.integers(20, 500, items).tolist(),
        ids=[f"i{n:05d}" for n in range(items)],
    )


def first_day(at_ms: int) -> datetime:
    """The day of `at_ms`, in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, tz=timezone.utc)
