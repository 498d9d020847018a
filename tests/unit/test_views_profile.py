"""The profile against an independent computation with pandas and numpy, and its edges one by one."""

import math
from random import Random

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.config_load import load_config
from common.views.actions import Action, Bucket, merge, read_buckets, read_recent
from common.views.profile import LONG_TERM_SHARE, Profile, profile

CONFIG = load_config(env={}).profile
NOW = 1_700_000_040_000
MINUTE = NOW // 60_000


def act(
    number: int, minutes_ago: float = 0, kind: str = "view", category: str = "c", price: float | None = 1.0
) -> Action:
    return Action(NOW - int(minutes_ago * 60_000), f"e{number}", kind, f"i{number}", category, price)


def made(*actions: Action, buckets: tuple[Bucket, ...] = (), long_term: dict[str, object] | None = None) -> Profile:
    return profile(buckets, actions, long_term or {}, CONFIG)


actions = st.builds(
    Action,
    st.integers(NOW - 10_000_000, NOW),
    st.uuids().map(str),
    st.sampled_from(["view", "click", "cart_add", "wish_add", "purchase", "cart_remove"]),
    st.sampled_from(["i1", "i2", "i3"]),
    st.sampled_from(["", "coats", "신발", "bags"]),
    st.none() | st.integers(1, 10_000).map(lambda pence: pence / 100),
)


@given(st.lists(actions, max_size=60), st.randoms(use_true_random=False))
def test_the_profile_is_what_pandas_computes(given_actions: list[Action], random: Random) -> None:
    parts = [action for action in given_actions if random.random() < 0.7]
    recent = [action for action in given_actions if action not in parts or random.random() < 0.3]
    by_minute: dict[int, list[Action]] = {}
    for action in parts:
        by_minute.setdefault(action.time_ms // 60_000, []).append(action)
    buckets = [
        Bucket(minute, pd.Series([a.event_type for a in rows]).value_counts().to_dict(), tuple(rows))
        for minute, rows in by_minute.items()
    ]
    found = profile(buckets, recent, {}, CONFIG)

    frame = pd.DataFrame(given_actions, columns=Action._fields)
    weight = frame["event_type"].map(dict(CONFIG.weights)).fillna(0.0)
    age = (frame["time_ms"].max() - frame["time_ms"]) / 60_000
    decayed = (weight * np.exp2(-age / CONFIG.half_life_minutes)).groupby(frame["category"]).sum()
    decayed = decayed[(decayed.index != "") & (decayed > 0)]
    expected = (decayed / decayed.sum()).to_dict()
    assert found.categories == pytest.approx(expected)
    assert found.counts == frame["event_type"].value_counts().to_dict()
    priced = frame["price"].notna() & (weight > 0)
    if priced.any():
        prices = frame["price"][priced].to_numpy(dtype=float)
        for name, share in (("low", 0.1), ("typical", 0.5), ("high", 0.9)):
            value = np.quantile(prices, share, weights=weight[priced].to_numpy(), method="inverted_cdf")
            assert found.price_band[name] == value
    else:
        assert set(found.price_band.values()) == {None}


def test_nobody_known_has_an_empty_profile() -> None:
    found = made()
    assert (found.categories, found.counts, found.active_hour, found.interest_category) == ({}, {}, None, None)
    assert set(found.price_band.values()) == {None}


def test_an_action_in_a_fact_and_on_the_recent_list_counts_once() -> None:
    both = act(1)
    found = made(both, act(2), buckets=(Bucket(MINUTE, {"view": 1}, (both,)),))
    assert found.counts == {"view": 2}
    assert [action.event_id for action in found.actions] == ["e1", "e2"]


def test_a_minute_whose_fact_lists_only_some_actions_keeps_its_count() -> None:
    assert made(act(1), buckets=(Bucket(MINUTE, {"view": 90}, (act(1),)),)).counts == {"view": 90}


def test_a_category_left_an_hour_ago_weighs_half() -> None:
    found = made(act(1, 0, category="new"), act(2, CONFIG.half_life_minutes, category="old"))
    assert found.categories == pytest.approx({"new": 2 / 3, "old": 1 / 3})
    assert (found.interest_category, found.current_category) == ("new", "new")


def test_the_long_term_profile_has_its_share_or_all_of_it() -> None:
    long_term = {"categories": {"coats": 3.0, "bags": 1.0}, "prices": [5.0, 20.0, 80.0], "as_of_ms": 1}
    alone = made(long_term=long_term)
    assert alone.categories == pytest.approx({"coats": 0.75, "bags": 0.25})
    assert alone.price_band == {"low": 5.0, "typical": 20.0, "high": 80.0}
    mixed = made(act(1, category="shoes"), long_term=long_term)
    assert mixed.categories["shoes"] == pytest.approx(1 - LONG_TERM_SHARE)
    assert math.isclose(sum(mixed.categories.values()), 1.0)


def test_what_redis_holds_is_read_and_what_is_no_action_passed_over() -> None:
    entry = [NOW, "e1", "view", "i1", None, None]
    recent = read_recent([orjson.dumps(entry), b"{}", b"[1,2]", b"\xff"])
    assert recent == [Action(NOW, "e1", "view", "i1", "", None)]
    fields = {b"7": orjson.dumps({"counts": {"view": 1}, "actions": [entry]}), b"3": b"{}"}
    assert [bucket.minute for bucket in read_buckets(fields)] == [3, 7]
    assert merge(read_buckets(fields), recent) == recent


def test_purchases_are_known_and_the_busiest_hour_is_found() -> None:
    found = made(act(1, kind="purchase"), act(2, 60), act(3, 61))
    assert found.purchased == {"i1"}
    assert found.active_hour == (NOW - 60 * 60_000) // 3_600_000 % 24
