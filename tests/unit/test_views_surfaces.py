"""The surfaces: contributions add up, filters are never broken, a click moves its category, order is certain."""

import math
import random
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from common.config_load import load_config
from common.config_surfaces import SIGNALS, Surface
from common.views import surfaces
from common.views.actions import Action, cart, wishes
from common.views.blend import Candidates, Explore, Recommendation, blend
from common.views.offers import Filters, Offers, Product
from common.views.profile import Profile, profile
from common.views.signals import alike, fresh, price_fit, seen_items, session_items, tired
from common.views.surfaces import Person, Ties, admitted

CONFIG = load_config(env={})
WEIGHTS = CONFIG.recommend.surfaces.for_you.weights
CATEGORIES = ["", "coats", "신발", "bags", "bags/small"]
TODAY = 20_000

products = st.builds(
    Product,
    st.sampled_from(CATEGORIES),
    st.none() | st.floats(0, 500),
    st.sampled_from(["", "casual", "formal"]),
    st.sampled_from(["", "b1", "b2"]),
    st.booleans(),
    st.booleans(),
    st.none() | st.integers(TODAY - 900, TODAY + 5),
)
items = st.integers(0, 50).map("i{}".format)
shops = st.dictionaries(items, products, max_size=40)
scores = st.dictionaries(items, st.floats(-1, 2), max_size=30)
pasts = st.lists(st.tuples(st.sampled_from(["view", "purchase", "cart_add"]), st.integers(0, 50)), max_size=12)
limits = st.none() | st.floats(0, 500)
styles = st.none() | st.sampled_from(["casual", "formal"])
filters = st.builds(Filters, st.none() | st.sampled_from(CATEGORIES[1:]), limits, limits, styles, st.frozensets(items))
Shop = dict[str, Product]


def past(*actions: tuple[str, str, str]) -> Profile:
    """The profile after (event type, item, category), oldest first."""
    made = [Action(n * 1000, f"e{n}", kind, item, of, 10.0) for n, (kind, item, of) in enumerate(actions)]
    return profile([], made, {}, CONFIG.profile)


def every_surface(
    shop: Shop, known: dict[str, float], person: Person, wanted: Filters
) -> Iterator[tuple[Surface, Candidates]]:
    seen = {item: shop[item] for item in seen_items(person.profile.actions) if item in shop}
    ties, at_hand, all_of_it = Ties(known, known, known), {"i1": shop.get("i1", Product())}, Offers.of(shop)
    offers = all_of_it.where(admitted(all_of_it, person, wanted))
    others = all_of_it.where(admitted(all_of_it, person, wanted, at_hand))
    trend, clicks = np.full(len(offers), 0.5), np.maximum(offers.column(known), 0.0)
    yield "for-you", surfaces.for_you(offers, known, seen, trend, person, TODAY, 14.0)
    yield "now", surfaces.now(offers, known, clicks, seen, trend, person)
    yield "trending", surfaces.trending(offers, trend, trend, {"casual": 1.0}, person)
    yield "related", surfaces.related(others, ties, at_hand, trend[: len(others)], person)
    yield "similar", surfaces.similar(others, ties, at_hand["i1"], trend[: len(others)])


@given(shops, scores, pasts, st.sets(items), filters, st.integers(1, 40), st.integers(0, 99))
def test_on_every_surface_scores_are_the_sum_of_their_reasons_and_filters_hold(
    shop: Shop,
    known: dict[str, float],
    actions: list[tuple[str, int]],
    bought: set[str],
    wanted: Filters,
    limit: int,
    seed: int,
) -> None:
    user = past(*((kind, f"i{n}", CATEGORIES[n % 4]) for kind, n in actions))
    purchased = {f"i{n}" for kind, n in actions if kind == "purchase"}
    person, explore = Person(user, bought), Explore(str(seed), 2)
    shuffled = dict(random.Random(seed).sample(sorted(shop.items()), len(shop)))
    again = dict(every_surface(shuffled, known, person, wanted))
    for surface, candidates in every_surface(shop, known, person, wanted):
        settings = CONFIG.recommend.surfaces.of(surface)
        found = blend(candidates, settings, limit, explore)
        assert len({item.item_id for item in found}) == len(found) == min(limit, len(candidates.items))
        assert set(candidates.signals) == set(SIGNALS[surface])
        assert surface not in ("related", "similar") or "i1" not in candidates.items
        for item in found:
            assert math.isclose(sum(value for _, value in item.reasons), item.score, abs_tol=1e-9)
            assert item.item_id not in bought | purchased
            refused(shop[item.item_id], item.item_id, wanted)
        assert all(one.score >= other.score - 1e-9 for one, other in pairwise(found))
        assert blend(again[surface], settings, limit, explore) == found


def refused(product: Product, item: str, wanted: Filters) -> None:
    """Fails for what must not be shown."""
    assert product.active and product.in_stock and item not in wanted.exclude
    if wanted.category is not None:
        assert [wanted.category] in (product.category.split("/")[:1], [product.category])
    if wanted.min_price is not None:
        assert product.price is not None and product.price >= wanted.min_price
    if wanted.max_price is not None:
        assert product.price is not None and product.price <= wanted.max_price


def ranked(shop: Shop, user: Profile, als: dict[str, float], **more: object) -> list[Recommendation]:
    seen: Shop = more.get("seen", {})  # type: ignore[assignment]
    trend: dict[str, float] = more.get("trend", {})  # type: ignore[assignment]
    offers = Offers.of(shop)
    candidates = surfaces.for_you(offers, als, seen, offers.column(trend), Person(user), TODAY, 14.0)
    return blend(candidates, CONFIG.recommend.surfaces.for_you, 100, Explore("", 6))


def test_a_click_lifts_its_category_above_the_one_before() -> None:
    shop = {f"{of}-{n}": Product(of, 10.0) for of in ("coats", "bags") for n in range(3)}
    als = dict.fromkeys(shop, 0.5)
    for now, before in (("bags", "coats"), ("coats", "bags")):
        user = past(*[("view", "x", before)] * 5, ("click", "y", now))
        assert [item.item_id for item in ranked(shop, user, als)[:3]] == [f"{now}-{n}" for n in range(3)]


def test_each_signal_lifts_an_item_by_its_weight() -> None:
    user = past(("view", "seen", "coats"))
    seen = {"seen": Product("coats", 10.0, "casual", "b1")}
    shop = {
        "all": Product("coats", 10.0, "casual", "b1", launch_day=TODAY),
        "dear": Product("coats", 20.0, "casual", "b1", launch_day=TODAY - 14),
        "other": Product("bags"),
    }
    found = ranked(shop, user, {"all": 2.0, "dear": 1.0}, seen=seen, trend={"all": 1.0})
    full = ("als", "category", "price", "trend", "recent", "fresh")
    assert dict(found[0].reasons) == {name: WEIGHTS[name] for name in full}  # type: ignore[index]
    assert found[1].parts["als"] == WEIGHTS["als"] / 2
    assert found[1].parts["price"] == WEIGHTS["price"] / 2
    assert found[1].parts["fresh"] == WEIGHTS["fresh"] / 2
    assert (found[2].item_id, found[2].score, found[2].reasons) == ("other", 0.0, [])


def test_what_was_looked_at_often_sinks() -> None:
    shop = {"often": Product("coats"), "once": Product("coats")}
    found = ranked(shop, past(*[("view", "often", "coats")] * 3, ("view", "once", "coats")), {})
    assert [item.item_id for item in found] == ["once", "often"]
    assert found[1].parts["seen"] == -WEIGHTS["seen"] / 2


def test_a_complement_comes_from_another_category_and_a_substitute_is_like_the_item() -> None:
    coat = Product("coats", 100.0, "casual", "b1")
    shop = {"coat-2": Product("coats", 100.0, "casual", "b1"), "bag": Product("bags", 50.0)}
    ties, user, offers = Ties({"coat-2": 4.0, "bag": 4.0}), past(), Offers.of(shop)
    beside = blend(
        surfaces.related(offers, ties, {"coat": coat}, np.zeros(2), Person(user)),
        CONFIG.recommend.surfaces.related,
        2,
        Explore("", 6),
    )
    instead = blend(
        surfaces.similar(offers, ties, coat, np.zeros(2)),
        CONFIG.recommend.surfaces.similar,
        2,
        Explore("", 6),
    )
    assert [item.item_id for item in beside] == ["bag", "coat-2"]
    assert [item.item_id for item in instead] == ["coat-2", "bag"]


def test_signals_have_their_formulas() -> None:
    priced = Offers.of({str(n): Product("c", price) for n, price in enumerate((10, 25, 40, 5, 80, 0, None))})
    assert price_fit(priced, {"low": 10.0, "high": 40.0}).tolist() == [1, 1, 1, 0.5, 0.5, 0, 0]
    assert not price_fit(priced, {"low": None, "high": None}).any()
    assert not price_fit(priced, {"low": 0.0, "high": 0.0}).any()
    own = {"c": {"low": 50.0, "high": 80.0}, "other": {"low": 1.0, "high": 2.0}, "none": {"low": None, "high": None}}
    assert price_fit(priced, {"low": 10.0, "high": 40.0}, own).tolist() == [0.2, 0.5, 0.8, 0.1, 1, 0, 0]
    assert price_fit(priced, {}, {"other": own["other"]}).tolist() == [0] * 7
    assert price_fit(priced, {"low": 10.0, "high": 40.0}, {"c": own["none"]}).tolist() == [1, 1, 1, 0.5, 0.5, 0, 0]
    assert tired(priced, {"1": 1, "2": 3}).tolist()[:3] == [0, -0.25, -0.5]
    days = (None, TODAY + 3, TODAY, TODAY - 28)
    launched = Offers.of({str(n): Product(launch_day=day) for n, day in enumerate(days)})
    assert fresh(launched, TODAY, 14.0).tolist() == [0, 1, 1, 0.25]
    one = Offers.of({"one": Product("c", 10.0, "s", "b"), "other": Product("c")})
    assert alike(one, Product("c", 20.0, "s", "b")).tolist() == [0.875, 0]
    assert alike(one, Product("c")).tolist() == [0, 0]


def test_the_items_seen_last_are_different_ones_newest_first() -> None:
    user = past(*(("view", f"i{n % 7}", "c") for n in range(20)), ("purchase", "i9", "c"))
    assert seen_items(user.actions) == ["i5", "i4", "i3", "i2", "i1"]


def test_a_session_is_cut_as_those_the_index_learns_from() -> None:
    hour = 3_600_000
    looked = [(0, "view", "old"), (10 * hour, "view", "a"), (10 * hour + 5, "click", "a"), (10 * hour + 6, "view", "b")]
    looked += [(10 * hour + 7, "search", "x"), (10 * hour + 8, "view", "a"), (10.5 * hour, "purchase", "c")]
    actions = [Action(int(ms), str(ms), kind, item, "", None) for ms, kind, item in reversed(looked)]
    kinds = ("view", "click", "purchase")
    assert session_items(actions, kinds, hour, 10) == ["a", "b", "a", "c"]
    assert session_items(actions, kinds, hour, 3) == ["b", "a", "c"]
    assert session_items(actions, kinds, 11 * hour, 10) == ["old", "a", "b", "a", "c"]
    assert session_items(actions, kinds, 1_000_000, 10) == ["c"]
    assert session_items([], kinds, hour, 10) == []


def test_the_cart_is_what_was_put_there_and_neither_removed_nor_bought() -> None:
    kinds = ("cart_add a", "cart_add b", "cart_remove a", "cart_add c", "purchase c", "wish_add d", "cart_add a")
    user = past(*((*step.split(), "c") for step in kinds))  # type: ignore[arg-type]
    assert (cart(user.actions), wishes(user.actions)) == (["a", "b"], ["d"])
    for order in (("cart_add", "purchase"), ("purchase", "cart_add")):
        assert cart([Action(5, "", kind, "a", "c", None) for kind in order]) == []
