"""The profile against an independent computation with pandas and numpy, and its edges one by one."""

import math
from random import Random

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.config_load import load_config
from common.views.actions import MOST_REPEATS, Action, UserFact, merge, read_recent, read_user_facts
from common.views.profile import LONG_TERM_SHARE, Profile, profile

CONFIG = load_config(env={}).profile
NOW = 1_700_000_040_000
MINUTE = NOW // 60_000


def act(
    number: int, minutes_ago: float = 0, kind: str = "view", category: str = "c", price: float | None = 1.0
) -> Action:
    return Action(NOW - int(minutes_ago * 60_000), f"e{number}", kind, f"i{number}", category, price)


def made(*actions: Action, facts: tuple[UserFact, ...] = (), long_term: dict[str, object] | None = None) -> Profile:
    return profile(facts, actions, long_term or {}, CONFIG)


actions = st.builds(
    Action,
    st.integers(NOW - 10_000_000, NOW),
    st.uuids().map(str),
    st.sampled_from(["view", "click", "cart_add", "wish_add", "purchase", "cart_remove"]),
    st.sampled_from(["i1", "i2", "i3"]),
    st.sampled_from(["", "coats", "신발", "bags"]),
    st.none() | st.integers(1, 10_000).map(lambda pence: pence / 100),
)


KEY = ["minute", "category", "item_id", "event_type"]


def fact_of(key: tuple[int, str, str], rows: pd.DataFrame) -> UserFact:
    price = rows["price"].max()
    counts = rows["event_type"].value_counts().to_dict()
    return UserFact(*key, counts, int(rows["time_ms"].max()), None if pd.isna(price) else float(price))


@settings(deadline=None)
@given(st.lists(actions, max_size=60), st.randoms(use_true_random=False))
def test_the_profile_is_what_pandas_computes(given_actions: list[Action], random: Random) -> None:
    table = pd.DataFrame(given_actions, columns=Action._fields)
    table["minute"] = table["time_ms"] // 60_000
    listed = pd.Series([random.random() < 0.5 for _ in given_actions], dtype=bool)
    of_item = [((int(m), c, i), rows) for (m, c, i), rows in table.groupby(KEY[:3])]
    facts = [fact_of(key, rows) for key, rows in of_item if random.random() < 0.7]
    found = profile(facts, [a for a, kept in zip(given_actions, listed, strict=True) if kept], {}, CONFIG)

    # Listed actions as they are; of the others as many as the facts count above them, at the fact's time and price;
    # of very many repeats some have weight.
    counted = pd.DataFrame(
        [(f.minute, f.category, f.item_id, kind, n, f.last_ms, f.price) for f in facts for kind, n in f.counts.items()],
        columns=[*KEY, "n", "time_ms", "price"],
    )
    sizes = table[listed].groupby(KEY).size().rename("listed").reset_index()
    more = counted.merge(sizes, on=KEY, how="left").fillna({"listed": 0})
    every = more.loc[more.index.repeat((more["n"] - more["listed"]).clip(lower=0).astype(int))]
    counts = pd.concat([table["event_type"][listed], every["event_type"]]).value_counts().to_dict()
    weighed = (more["n"].clip(upper=MOST_REPEATS) - more["listed"]).clip(lower=0)
    more = more.loc[more.index.repeat(weighed.astype(int))]
    frame = pd.concat([table[listed], more])[["time_ms", "event_type", "category", "price"]]
    frame = frame.astype({"price": float, "time_ms": "int64"})
    if frame.empty:
        assert found.counts == {}
        return
    weight = frame["event_type"].map(dict(CONFIG.weights)).fillna(0.0)
    age = (frame["time_ms"].max() - frame["time_ms"]) / 60_000
    decayed = (weight * np.exp2(-age / CONFIG.half_life_minutes)).groupby(frame["category"]).sum()
    decayed = decayed[(decayed.index != "") & (decayed > 0)]
    expected = (decayed / decayed.sum()).to_dict()
    assert found.categories == pytest.approx(expected)
    assert found.counts == counts
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
    both, price = act(1), 1.0
    found = made(both, act(2), facts=(UserFact(MINUTE, "c", "i1", {"view": 1}, both.time_ms, price),))
    assert found.counts == {"view": 2}
    assert [action.event_id for action in found.actions] == ["e1", "e2"]


def test_a_minute_with_very_many_repeats_keeps_its_count_but_not_its_weight() -> None:
    bot = UserFact(MINUTE, "c", "i1", {"view": 90}, NOW, None)
    found = made(act(1), facts=(bot,))
    assert found.counts == {"view": 90}
    assert len(found.actions) == MOST_REPEATS


def test_exposures_and_searches_are_counted_but_are_no_actions() -> None:
    found = made(facts=(UserFact(MINUTE, "", "", {"exposure": 5, "search": 1}, NOW, None),))
    assert (found.counts, found.actions) == ({"exposure": 5, "search": 1}, ())


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
    recent = read_recent([orjson.dumps(entry), b"{}", b"[1,2]", b"\xff", orjson.dumps([*entry, "mobile"])])
    assert recent == [Action(NOW, "e1", "view", "i1", "", None), Action(NOW, "e1", "view", "i1", "", None, "mobile")]
    del recent[1]
    minute = NOW // 60_000
    fields = {
        f"{minute}\x1f\x1fi1".encode(): f"1,0,0,0,0,0,0,0,0|{NOW}|".encode(),
        b"3\x1fc\x1fi2": b"0,0,0,0,2,0,0,1,0|180007|9.5",
    }
    older, newer = read_user_facts(fields)
    assert older == UserFact(3, "c", "i2", {"purchase": 2, "cart_remove": 1}, 180_007, 9.5)
    assert merge([newer], recent) == recent


def test_purchases_are_known_and_the_busiest_hour_is_found() -> None:
    found = made(act(1, kind="purchase"), act(2, 60), act(3, 61))
    assert found.purchased == {"i1"}
    assert found.active_hour == (NOW - 60 * 60_000) // 3_600_000 % 24


def test_since_keeps_what_was_done_at_the_moment_itself_and_nothing_of_a_millisecond_before() -> None:
    start = MINUTE * 60_000
    at = [Action(start + ms, f"e{ms}", "view", "i1", "c", None) for ms in (1, 0, -1)]
    facts = [UserFact(MINUTE + n, "c", "i2", {"click": 1}, start + n * 60_000, None) for n in (1, 0, -1)]
    found = made(*at, facts=tuple(facts)).since(start)
    assert sorted((a.time_ms - start, a.item_id) for a in found.actions) == [
        (0, "i1"),
        (0, "i2"),
        (1, "i1"),
        (60_000, "i2"),
    ]
    assert [fact.minute - MINUTE for fact in found.facts] == [1, 0]
    assert found.counts == {"click": 2, "view": 2}
    assert found.by_hour.total() == 4
