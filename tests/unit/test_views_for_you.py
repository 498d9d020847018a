"""For You: contributions add up, filters are never broken, a click moves its category, order is certain."""

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from common.config_load import load_config
from common.views.actions import Action
from common.views.for_you import Filters, Product, for_you, price_fit, seen_items
from common.views.profile import Profile, profile

CONFIG = load_config(env={})
CATEGORIES = ["", "coats", "신발", "bags"]

products = st.builds(
    Product,
    st.sampled_from(CATEGORIES),
    st.none() | st.floats(0, 500),
    st.sampled_from(["", "casual", "formal"]),
    st.sampled_from(["", "b1", "b2"]),
    st.booleans(),
)
shops = st.dictionaries(st.integers(0, 50).map("i{}".format), products, max_size=30)
scores = st.dictionaries(st.integers(0, 50).map("i{}".format), st.floats(-1, 2), max_size=30)
pasts = st.lists(st.tuples(st.sampled_from(["view", "purchase"]), st.integers(0, 50)), max_size=12)
limits = st.none() | st.floats(0, 500)
filters = st.builds(Filters, st.none() | st.sampled_from(CATEGORIES[1:]), limits, limits)


def past(*actions: tuple[str, str, str]) -> Profile:
    """The profile after (event type, item, category), oldest first."""
    made = [Action(n * 1000, f"e{n}", kind, item, of, 10.0) for n, (kind, item, of) in enumerate(actions)]
    return profile([], made, {}, CONFIG.profile)


@given(shops, scores, pasts, st.sets(st.integers(0, 50).map("i{}".format)), filters)
def test_scores_are_the_sum_of_their_reasons_and_filters_hold(
    shop: dict[str, Product],
    als: dict[str, float],
    actions: list[tuple[str, int]],
    bought: set[str],
    wanted: Filters,
) -> None:
    user = past(*((kind, f"i{n}", CATEGORIES[n % 4]) for kind, n in actions))
    seen = {item: shop[item] for item in seen_items(user) if item in shop}
    trends = dict.fromkeys(shop, 0.5)
    found = for_you(als, shop, seen, trends, user, bought, wanted, CONFIG.recommend)
    purchased = {f"i{n}" for kind, n in actions if kind == "purchase"}
    for item in found:
        product = shop[item.item_id]
        assert math.isclose(sum(value for _, value in item.reasons), item.score, abs_tol=1e-9)
        assert item.item_id not in bought | purchased
        assert product.active
        assert wanted.category in (None, product.category)
        if wanted.min_price is not None:
            assert product.price is not None and product.price >= wanted.min_price
        if wanted.max_price is not None:
            assert product.price is not None and product.price <= wanted.max_price
    assert found == sorted(found, key=lambda one: (-one.score, one.item_id))
    shuffled = dict(random.Random(1).sample(sorted(shop.items()), len(shop)))
    assert for_you(als, shuffled, seen, trends, user, bought, wanted, CONFIG.recommend) == found


def test_a_click_lifts_its_category_above_the_one_before() -> None:
    shop = {f"{of}-{n}": Product(of, 10.0) for of in ("coats", "bags") for n in range(3)}
    als = dict.fromkeys(shop, 0.5)
    for now, before in (("bags", "coats"), ("coats", "bags")):
        user = past(*[("view", "x", before)] * 5, ("click", "y", now))
        found = for_you(als, shop, {}, {}, user, (), Filters(), CONFIG.recommend)
        assert [item.item_id for item in found[:3]] == [f"{now}-{n}" for n in range(3)]


def test_each_signal_lifts_an_item_by_its_weight() -> None:
    user = past(("view", "seen", "coats"))
    seen = {"seen": Product("coats", 10.0, "casual", "b1")}
    shop = {
        "all": Product("coats", 10.0, "casual", "b1"),
        "dear": Product("coats", 20.0, "casual", "b1"),
        "other": Product("bags"),
    }
    found = for_you({"all": 2.0, "dear": 1.0}, shop, seen, {"all": 1.0}, user, (), Filters(), CONFIG.recommend)
    own = CONFIG.recommend
    assert dict(found[0].reasons) == {
        "als": 1.0,
        "category": own.category_boost,
        "price": own.price_weight,
        "trend": own.trend_weight,
        "recent": own.recent_weight,
    }
    assert found[1].parts["als"] == 0.5
    assert found[1].parts["price"] == own.price_weight / 2
    assert (found[2].item_id, found[2].score, found[2].reasons) == ("other", 0.0, [])


def test_price_fit_falls_with_the_ratio_to_the_band() -> None:
    band = {"low": 10.0, "high": 40.0}
    assert [price_fit(price, band) for price in (10, 25, 40, 5, 80, 0, None)] == [1, 1, 1, 0.5, 0.5, 0, 0]
    assert price_fit(10, {"low": None, "high": None}) == 0


def test_the_items_seen_last_are_different_ones_newest_first() -> None:
    user = past(*(("view", f"i{n % 7}", "c") for n in range(20)), ("purchase", "i9", "c"))
    assert seen_items(user) == ["i5", "i4", "i3", "i2", "i1"]
