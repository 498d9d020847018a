"""Lists of the simulated shop: they are clicked as often as their truth says, place by place."""

from collections import Counter
from typing import Any

import numpy as np
import orjson
import pytest

from local.simulator.exposure import LISTED, examined
from local.simulator.truth import truth
from tests.unit.test_simulator import CLEAN, START_MS, simulation

Event = dict[str, Any]


@pytest.fixture(scope="module")
def past() -> tuple[list[Event], dict[str, float], dict[str, Any]]:
    """Events of a history, the chances of its exposures, and the truth."""
    sim = simulation(**CLEAN, users=4000, items=300)
    sim.chances = {}
    sent = [orjson.loads(m.value) for m in sim.history(START_MS) if m.topic == "behavior"]
    return sent, sim.chances, truth(sim)


def clicked(sent: list[Event]) -> dict[str, bool]:
    """Exposure → whether the list's visit then clicked the item at that place of that surface."""
    clicks: Counter[tuple[object, ...]] = Counter()
    found = {}
    for event in reversed(sent):
        if event["event_type"] not in ("click", "exposure"):
            continue
        key = (event["session_id"], event["item_id"], event["surface"], event["position"])
        if event["event_type"] == "click":
            clicks[key] += 1
        else:
            found[event["event_id"]] = clicks[key] > 0
            clicks[key] = 0
    return found


def test_every_exposure_has_a_chance_and_every_place_is_clicked_as_often_as_it_says(
    past: tuple[list[Event], dict[str, float], dict[str, Any]],
) -> None:
    sent, chances, _ = past
    shown = [event for event in sent if event["event_type"] == "exposure"]
    assert {event["event_id"] for event in shown} == chances.keys()
    hits = clicked(sent)
    for place in range(LISTED):
        here = [event["event_id"] for event in shown if event["position"] == place]
        p = np.array([chances[one] for one in here])
        z = (sum(hits[one] for one in here) - p.sum()) / np.sqrt((p * (1 - p)).sum())
        assert len(here) > 1000
        assert abs(z) < 4.5


def test_a_place_further_down_is_looked_at_less(past: tuple[list[Event], dict[str, float], dict[str, Any]]) -> None:
    sent, chances, _ = past
    means = []
    for place in range(LISTED):
        here = [e["event_id"] for e in sent if e["event_type"] == "exposure" and e["position"] == place]
        means.append(float(np.mean([chances[one] for one in here])))
    assert np.allclose(np.array(means) / means[0], [examined(n) for n in range(LISTED)], rtol=0.15)


def test_what_suits_the_price_level_and_style_is_more_attractive(
    past: tuple[list[Event], dict[str, float], dict[str, Any]],
) -> None:
    sent, chances, known = past
    users = {user["user_id"]: user for user in known["users"]}
    items = {item["item_id"]: item for item in known["items"]}
    rows = []
    for event in (event for event in sent if event["event_type"] == "exposure" and event.get("user_id")):
        user, item = users[event["user_id"]], items[event["item_id"]]
        style = user["style_taste"][known["styles"].index(item["style"])]
        away = abs(item["price_level"] - user["price_level"])
        rows.append((np.log(chances[event["event_id"]] / examined(event["position"])), np.log(style + 0.03), -away))
    chance, style_fit, price_fit = np.array(rows).T
    assert np.corrcoef(chance, style_fit)[0, 1] > 0.3
    assert np.corrcoef(chance, price_fit)[0, 1] > 0.2
