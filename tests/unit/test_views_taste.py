"""Taste and pattern against pandas and by hand."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.config_load import load_config
from common.views.actions import Action
from common.views.offers import Product
from common.views.pattern import pattern
from common.views.profile import LONG_TERM_SHARE
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


def test_nothing_done_is_no_pattern() -> None:
    found = pattern([], {})
    assert (found.visits, found.visit_minutes, found.view_to_cart, found.hours) == (0, None, None, {})
