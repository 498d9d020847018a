"""Strengths of a new user's actions, and where the newest sessions of others lead."""

import pytest

from common.config_load import load_config
from common.views.actions import Action
from serving.surfaces.folded import ITEMS, strengths_of
from serving.surfaces.fresh import strengths

ALS = load_config(env={}).als
DAY_MS = 86_400_000


def test_strengths_are_weights_that_fade_from_the_newest_action() -> None:
    half = int(ALS.half_life_days * DAY_MS)
    actions = [
        Action(2 * half, "", "cart_add", "a", "c", 1.0),
        Action(half, "", "view", "a", "c", 1.0),
        Action(half, "", "view", "b", "c", 1.0),
        Action(half, "", "cart_remove", "x", "c", 1.0),
    ]
    expected = {"a": ALS.weights["cart_add"] + ALS.weights["view"] / 2, "b": ALS.weights["view"] / 2}
    assert strengths_of(actions, ALS) == pytest.approx(expected)
    assert len(strengths_of([Action(0, "", "view", f"i{n}", "", None) for n in range(2 * ITEMS)], ALS)) == ITEMS


def test_fresh_sessions_count_by_what_they_share_and_less_the_longer_they_are() -> None:
    found = strengths([["a", "x"], ["a", "b", "y", "x"], ["z", "y"]], {"a": 1.0, "b": 0.5})
    assert found == pytest.approx({"x": 1 / 2**0.5 + 1.5 / 2, "y": 1.5 / 2 + 0.0, "z": 0.0})
