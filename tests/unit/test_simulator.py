"""The simulated shop: reproducible, valid, its faults and its truth as stated."""

import dataclasses
import re
from collections import Counter
from itertools import islice
from typing import Any

import numpy as np
import orjson
import pytest

from common.config_load import load_config
from common.errors import ConfigError
from common.validate import Rejection, epoch_ms, validate
from local.produce import Message
from local.simulator.run import Length, messages
from local.simulator.scenario import Scenario, Span, parse_number, parse_span
from local.simulator.simulation import Simulation
from local.simulator.truth import truth

START_MS = 1_760_000_000_000
CLEAN = {"malformed_fraction": 0.0, "duplicate_fraction": 0.0, "late_fraction": 0.0}


def simulation(scenario: Scenario | None = None, run_id: str = "r", **settings: Any) -> Simulation:
    """The reference configuration's shop, with changes."""
    simulator = dataclasses.replace(load_config(env={}).simulator, **settings)
    return Simulation(simulator, scenario or Scenario(), run_id, "GBP", 600_000)


def events(source: Any) -> list[dict[str, Any]]:
    """The events among the messages, parsed; malformed ones left out by the caller's choice of faults."""
    return [orjson.loads(m.value) for m in source if m.topic not in ("catalog", "logs")]


def live(sim: Simulation, seconds: float) -> list[Message]:
    """A run without history."""
    return list(messages(sim, START_MS, Length(seconds=seconds)))


def everything(**settings: Any) -> list[Message]:
    return list(messages(simulation(**settings), START_MS, Length(messages=3000)))


def test_the_same_seed_start_and_run_give_identical_bytes() -> None:
    first, second = everything(users=200), everything(users=200)
    assert [m[1:] for m in first] == [m[1:] for m in second]
    assert len(first) > 20_000


def test_another_seed_gives_other_events_and_another_run_other_ids() -> None:
    values = {m.value for m in everything(history_minutes=0) if m.topic == "behavior"}
    other_seed = {m.value for m in everything(history_minutes=0, seed=8) if m.topic == "behavior"}
    other_run = list(messages(simulation(history_minutes=0, run_id="q"), START_MS, Length(messages=3000)))
    assert not values & other_seed
    assert not {e["event_id"] for e in events(other_run) if "event_id" in e} & {
        orjson.loads(v)["event_id"] for v in values if v.endswith(b"}")
    }


def test_malformed_events_are_refused_and_all_others_accepted() -> None:
    sim = simulation(malformed_fraction=0.05, duplicate_fraction=0.0, late_fraction=0.02, history_minutes=0, rate=2000)
    refused: Counter[str] = Counter()
    for message in live(sim, 10):
        if message.topic in ("catalog", "logs"):
            continue
        try:
            event = orjson.loads(message.value)
        except orjson.JSONDecodeError:
            refused["bad_json"] += 1
            continue
        result = validate(event, START_MS + 60_000)
        if isinstance(result, Rejection):
            refused[{"price": "wrong_type", "event_type": "missing_field"}.get(result.field, "far_future")] += 1
    faults = truth(sim)["faults"]
    assert refused == {kind: n for kind, n in faults.items() if kind not in ("malformed", "late")}
    assert sum(refused.values()) == faults["malformed"] == pytest.approx(0.05 * 20_000, rel=0.1)


def test_duplicates_and_late_events_are_as_many_as_the_truth_says() -> None:
    sim = simulation(malformed_fraction=0.0, duplicate_fraction=0.03, late_fraction=0.02, history_minutes=0, rate=2000)
    sent = [m for m in live(sim, 10) if m.topic not in ("catalog", "logs")]
    copies = Counter(m.value for m in sent)
    assert sum(copies.values()) - len(copies) == sim.faults.counts["duplicate"]
    assert sim.faults.counts["duplicate"] == pytest.approx(0.03 * 20_000, rel=0.15)
    times = [epoch_ms(orjson.loads(value)["event_time"]) or 0 for value in copies]
    late = [START_MS - t for t in times if t < START_MS]
    assert len(late) == sim.faults.counts["late"] == pytest.approx(0.02 * 20_000, rel=0.15)
    assert max(late) < 600_000


def test_the_rate_is_exact_and_history_is_dense_whatever_the_rate() -> None:
    sim = simulation(**CLEAN, rate=5)
    sent = list(messages(sim, START_MS, Length(seconds=20)))
    times = [epoch_ms(e["event_time"]) or 0 for e in events(sent)]
    past = [t for t in times if t < START_MS]
    assert times == sorted(times)
    assert START_MS - past[0] == 60 * 60_000
    assert len(past) >= 30_000
    assert len(times) - len(past) == 100
    due = [m.due for m in sent if m.topic not in ("catalog", "logs")][-100:]
    assert np.allclose(np.diff(due), 0.2)


def test_choices_follow_the_tastes_of_the_truth() -> None:
    sim = simulation(**CLEAN, users=300)
    seen = [e for e in events(sim.history(START_MS)) if e.get("user_id") and e.get("category")]
    first_of_session = {e["session_id"]: e for e in reversed(seen)}.values()
    known = truth(sim)
    order = {path: n for n, path in enumerate(known["categories"])}
    taste = {u["user_id"]: np.array(u["category_taste"]) for u in known["users"]}
    tastes = np.array([taste[e["user_id"]] for e in first_of_session])
    chosen = np.array([order[e["category"]] for e in first_of_session])
    expected, variance = tastes.sum(axis=0), (tastes * (1 - tastes)).sum(axis=0)
    z = (np.bincount(chosen, minlength=len(order)) - expected) / np.sqrt(variance)
    assert np.abs(z).max() < 4.5
    hits = tastes[np.arange(len(chosen)), chosen]
    fit = (hits.sum() - (tastes**2).sum()) / np.sqrt(((tastes**3).sum(axis=1) - (tastes**2).sum(axis=1) ** 2).sum())
    assert abs(fit) < 4.5  # mean taste of the chosen category is what drawing by taste gives


def test_prices_and_popularity_follow_the_truth() -> None:
    sim = simulation(**CLEAN, users=300)
    views = [e for e in events(sim.history(START_MS)) if e["event_type"] == "view"]
    known = truth(sim)
    level = {i["item_id"]: i["price_level"] for i in known["items"]}
    own = {u["user_id"]: u["price_level"] for u in known["users"]}
    by_user: dict[str, list[float]] = {}
    for event in views:
        by_user.setdefault(event.get("user_id", ""), []).append(level[event["item_id"]])
    by_user.pop("", None)
    pairs = [(own[user], float(np.mean(levels))) for user, levels in by_user.items() if len(levels) > 10]
    assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.6
    seen = Counter(e["item_id"] for e in views)
    appeal = [(i["appeal"], np.log1p(seen[i["item_id"]])) for i in known["items"]]
    assert np.corrcoef(np.array(appeal).T)[0, 1] > 0.5


def test_orders_payments_and_purchases_agree() -> None:
    sim = simulation(**CLEAN, history_minutes=0, rate=2000)
    bought: dict[str, float] = {}
    sent = events(live(sim, 20))
    for event in sent:
        if event["event_type"] == "purchase":
            order = event["order_id"]
            bought[order] = bought.get(order, 0.0) + event["price"] * event["quantity"]
        elif event["event_type"] == "order":
            assert event["price"] == pytest.approx(bought[event["order_id"]], abs=0.01)
        elif event["event_type"] == "payment":
            assert event["payment"]["amount"] == pytest.approx(bought[event["order_id"]], abs=0.01)
    assert len(bought) > 100


def test_change_records_form_an_unbroken_chain_for_every_article() -> None:
    sim = simulation(**CLEAN, users=300, items=200)
    known: dict[str, Any] = {}
    last = -1
    updates = 0
    for message in messages(sim, START_MS, Length(messages=100)):
        if message.topic != "catalog":
            continue
        record = orjson.loads(message.value)
        assert record["source"]["lsn"] > last
        last = record["source"]["lsn"]
        assert record["before"] == known.get(message.key)
        updates += record["op"] == "u"
        known[message.key] = record["after"]
    assert len(known) == 200
    assert updates > 200


def test_a_small_shop_has_articles_for_everyone() -> None:
    sim = simulation(**CLEAN, users=3, items=2, rate=100)
    named = [e["item_id"] for e in events(islice(sim.live(START_MS), 300)) if "item_id" in e]
    assert len(named) > 200
    assert set(named) <= {"i00000", "i00001"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linen shirt", ("linen shirt", Span(1.0, 2.0))),
        ("linen shirt@30", ("linen shirt", Span(30.0, 2.0))),
        ("리넨 셔츠@30+1.5", ("리넨 셔츠", Span(30.0, 1.5))),
        ("a@b@30", ("a@b", Span(30.0, 2.0))),
    ],
)
def test_a_span_is_read_from_text(text: str, expected: tuple[str, Span]) -> None:
    assert parse_span(text, Span(1.0, 2.0)) == expected


@pytest.mark.parametrize("text", ["rain boots@0s+600s", "rain boots@", "x@30+", "x@30+1m", "x@-5", "a@b", "@30", ""])
def test_a_malformed_span_is_refused_with_its_form(text: str) -> None:
    with pytest.raises(ConfigError, match=re.escape("in seconds, e.g. KEYWORD@30+600")):
        parse_span(text, Span())


@pytest.mark.parametrize("text", ["x:", "x:0.5", "x"])
def test_a_number_is_read_from_text(text: str) -> None:
    assert parse_number(text, 0.5, 0, 1) == ("x", 0.5)


@pytest.mark.parametrize("text", ["x:2", "x:much", "x:nan"])
def test_a_number_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="from 0 to 1"):
        parse_number(text, 0.5, 0, 1)
