"""Signals and filters on columns against their definitions, written here for one product at a time."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from common.views import signals
from common.views.offers import Filters, Offers, Product
from tests.unit.test_views_surfaces import CATEGORIES, TODAY, filters, items, products, shops

texts = st.sampled_from(["", "casual", "formal", "b1", "b2", "coats", "bags", "never heard of"])
weights = st.dictionaries(texts, st.floats(0, 1), max_size=5)
ends = st.none() | st.floats(0, 300)
Shop = dict[str, Product]


@given(shops, weights, st.none() | st.sampled_from(CATEGORIES[1:]))
def test_category(shop: Shop, interest: dict[str, float], current: str | None) -> None:
    found = signals.category_fit(Offers.of(shop), interest, current).tolist()
    expected = [
        0.5 * (interest.get(p.category, 0.0) + (p.category == current)) if p.category else 0.0 for p in of(shop)
    ]
    assert found == approx(expected, abs=1e-12)


@given(shops, ends, ends)
def test_price(shop: Shop, low: float | None, high: float | None) -> None:
    found = signals.price_fit(Offers.of(shop), {"low": low, "high": high}).tolist()
    assert found == approx([price(p, low, high) for p in of(shop)], abs=1e-12)


def price(product: Product, low: float | None, high: float | None) -> float:
    if not product.price or not low or high is None:
        return 0.0
    return min(1.0, product.price / low, high / product.price)


@given(shops, st.dictionaries(items, products, max_size=5))
def test_recent(shop: Shop, seen: Shop) -> None:
    # what the cache says of an item is the same wherever it stands
    same = {item: shop.get(item, product) for item, product in seen.items()}
    assert signals.recent(Offers.of(shop), same).tolist() == approx(recent(shop, same), abs=1e-12)


def recent(shop: Shop, seen: Shop) -> list[float]:
    whole = sum(0.5**n for n in range(len(seen))) or 1.0
    return [
        sum(0.5**n * agreement(one, other) for n, (name, other) in enumerate(seen.items()) if name != item) / whole
        for item, one in shop.items()
    ]


def agreement(one: Product, other: Product) -> float:
    category = bool(one.category) and one.category == other.category
    return 0.25 * category + likeness(one, other)


def likeness(one: Product, other: Product) -> float:
    style, brand = bool(one.style) and one.style == other.style, bool(one.brand) and one.brand == other.brand
    return 0.5 * style + 0.25 * brand


@given(shops, products)
def test_alike(shop: Shop, other: Product) -> None:
    found = signals.alike(Offers.of(shop), other).tolist()
    assert found == approx(
        [likeness(p, other) + 0.25 * price(p, other.price, other.price) for p in of(shop)], abs=1e-12
    )


@given(shops, st.lists(st.sampled_from(CATEGORIES)))
def test_complement(shop: Shop, categories: list[str]) -> None:
    found = signals.complement(Offers.of(shop), categories).tolist()
    assert found == [float(bool(p.category) and p.category not in categories) for p in of(shop)]


@given(shops, st.floats(1, 100))
def test_fresh(shop: Shop, half_life: float) -> None:
    days = [None if p.launch_day is None else max(0, TODAY - p.launch_day) for p in of(shop)]
    expected = [0.0 if day is None else 2.0 ** (-day / half_life) for day in days]
    assert signals.fresh(Offers.of(shop), TODAY, half_life).tolist() == approx(expected, abs=1e-12)


@given(shops, st.dictionaries(items, st.floats(-1, 2), max_size=30), st.dictionaries(items, st.integers(0, 9)))
def test_shares_and_looks(shop: Shop, scores: dict[str, float], looked: dict[str, int]) -> None:
    best, offers = max(scores.values(), default=0.0), Offers.of(shop)
    expected = [max(scores.get(item, 0.0), 0.0) / best if best > 0 else 0.0 for item in shop]
    assert signals.shares(offers, scores).tolist() == approx(expected, abs=1e-12)
    times = [looked.get(item, 0) for item in shop]
    assert signals.tired(offers, looked).tolist() == approx([-n / (n + 3) for n in times], abs=1e-12)


@given(shops, filters, st.sets(items))
def test_filters(shop: Shop, wanted: Filters, refused: set[str]) -> None:
    found = Offers.of(shop).where(wanted.admit(Offers.of(shop), refused)).items
    assert list(found) == [item for item, p in shop.items() if item not in refused and admits(wanted, item, p)]


def admits(wanted: Filters, item: str, product: Product) -> bool:
    if not product.active or not product.in_stock or item in wanted.exclude:
        return False
    if wanted.category is not None and not f"{product.category}/".startswith(f"{wanted.category}/"):
        return False
    if wanted.style is not None and (product.style != wanted.style):
        return False
    if wanted.min_price is None and wanted.max_price is None:
        return True
    low, high = wanted.min_price or 0.0, float("inf") if wanted.max_price is None else wanted.max_price
    return product.price is not None and low <= product.price <= high


def of(shop: Shop) -> list[Product]:
    return list(shop.values())
