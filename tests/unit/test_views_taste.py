"""Taste and pattern against pandas and by hand."""

import random
from collections import Counter
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.config_load import load_config
from common.views.actions import Action, wishes
from common.views.offers import Product
from common.views.pattern import Past, device, pattern, read_past, with_past
from common.views.profile import LONG_TERM_SHARE
from common.views.signals import seen_items
from common.views.taste import price_bands, taste

CONFIG = load_config(env={}).profile
STYLES = ("casual", "formal", "")
PRODUCTS = {f"i{n}": Product("c", 10.0, STYLES[n % 3], f"b{n % 2}") for n in range(6)}
HOUR_MS = 3_600_000

acts = st.lists(
    st.tuples(st.integers(0, 500), st.sampled_from(["view", "cart_add", "purchase", "cart_remove"]), st.integers(0, 7)),
    max_size=20,
)


def newest_first(rows: list[tuple[int, str, int]]) -> list[Action]:
    made = [Action(m * 60_000, "", kind, f"i{n}", f"c{n % 2}", 5.0 + n) for m, kind, n in rows]
    return sorted(made, key=lambda action: -action.time_ms)


@given(acts)
def test_style_shares_are_what_pandas_computes(rows: list[tuple[int, str, int]]) -> None:
    frame = pd.DataFrame(rows, columns=["minute", "kind", "item"])
    found = taste(newest_first(rows), PRODUCTS, {}, CONFIG).styles
    known = {n: STYLES[n % 3] for n in range(6)}
    frame["style"] = frame["item"].map(known)
    weight = frame["kind"].map(CONFIG.weights).fillna(0.0)
    frame["part"] = weight * 2.0 ** ((frame["minute"] - frame["minute"].max()) / CONFIG.half_life_minutes)
    kept = frame[frame["style"].isin(["casual", "formal"]) & (frame["part"] > 0)]
    sums = kept.groupby("style")["part"].sum()
    assert found == pytest.approx((sums / sums.sum()).to_dict())
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_the_long_term_has_its_share_of_styles_and_brands() -> None:
    actions = newest_first([(0, "view", 0)])
    found = taste(actions, PRODUCTS, {"styles": {"formal": 3.0}, "brands": {"b0": 1.0}}, CONFIG)
    assert found.styles == pytest.approx({"casual": 1 - LONG_TERM_SHARE, "formal": LONG_TERM_SHARE})
    assert found.brands == {"b0": 1.0}


def test_price_bands_are_by_category_and_know_the_long_term() -> None:
    actions = newest_first([(0, "view", 0), (1, "view", 2), (2, "view", 1)])
    found = price_bands(actions, {"c9": [1.0, 2.0, 3.0]}, CONFIG)
    assert found["c0"] == {"low": 5.0, "typical": 5.0, "high": 7.0}
    assert found["c1"] == {"low": 6.0, "typical": 6.0, "high": 6.0}
    assert found["c9"] == {"low": 1.0, "typical": 2.0, "high": 3.0}
    assert price_bands([], {}, CONFIG) == {}


def test_visits_end_after_half_an_hour_and_rates_are_counts_over_counts() -> None:
    minutes = [0, 10, 29, 60 + 29, 60 + 30]
    found = pattern(newest_first([(m, "view", 0) for m in minutes]), {"view": 4, "cart_add": 2, "purchase": 1})
    assert (found.visits, found.visit_minutes) == (2, (29 + 1) / 2)
    assert found.hours == {0: 3, 1: 2}
    assert (found.view_to_cart, found.cart_to_purchase, found.view_to_purchase) == (0.5, 0.5, 0.25)


def test_the_past_and_what_came_since_are_as_one_whole_wherever_they_are_parted() -> None:
    chance, minutes = random.Random(5), [0]
    while len(minutes) < 60:
        minutes.append(minutes[-1] + chance.choice([0, 1, 29, 30, 31, 200]))
    hours = Counter(minute // 60 % 24 for minute in minutes)
    actions = newest_first([(m, "view", 0) for m in minutes])
    for at in range(len(minutes) + 1):
        early, late = minutes[:at], actions[: len(minutes) - at]
        gaps = [b - a for a, b in pairwise(early)]
        past = Past(
            visits=sum(gap > 30 for gap in gaps) + bool(early),
            visit_ms=60_000 * sum(gap for gap in gaps if gap <= 30),
            last_ms=early[-1] * 60_000 if early else None,
            hours=Counter(minute // 60 % 24 for minute in early),
            counts={"view": at},
        )
        found = pattern(late, {"view": len(late), "cart_add": 6}, past)
        gaps = [b - a for a, b in pairwise(minutes)]
        visits = 1 + sum(gap > 30 for gap in gaps)
        assert (found.visits, found.hours, found.view_to_cart) == (visits, dict(sorted(hours.items())), 0.1)
        assert found.visit_minutes == pytest.approx(sum(gap for gap in gaps if gap <= 30) / visits)


def test_the_newest_device_counts_wherever_it_is_known() -> None:
    actions = [Action(30, "e3", "view", "i", "", None), Action(20, "e2", "view", "i", "", None, "app")]
    assert device(actions) == "app"
    assert device(actions, Past(device="mobile", device_ms=10)) == "app"
    assert device(actions, Past(device="mobile", device_ms=25)) == "mobile"
    assert (device([]), device([], Past(device="mobile", device_ms=1))) == (None, "mobile")


def test_a_wish_of_the_past_that_was_taken_off_since_no_longer_stands() -> None:
    past = Past(last={"wished": [("i1", 5), ("i2", 4)], "viewed": [("i1", 5), ("i3", 1)]})
    actions = with_past([Action(9, "e", "wish_remove", "i1", "", None), Action(8, "e", "view", "i9", "", None)], past)
    assert wishes(actions) == ["i2"]
    assert seen_items(actions, 20) == ["i9", "i1", "i2", "i3"]


def test_what_the_batch_layer_published_is_read_whatever_release_it_is_of() -> None:
    text = b'{"until_ms": 60000, "visits": 2, "hours": {"13": 5}, "last": {"bought": [["i1", 7]]}, "later": 1}'
    assert read_past(text) == Past(60_000, 2, hours={13: 5}, last={"bought": [["i1", 7]]})
    assert read_past(None) == Past()


def test_nothing_done_is_no_pattern() -> None:
    found = pattern([], {})
    assert (found.visits, found.visit_minutes, found.view_to_cart, found.hours) == (0, None, None, {})
