"""Trends, fraud, experiments, promotions and incidents happen as given, and the truth counts them."""

from collections import Counter, defaultdict
from typing import Any

import orjson
import pytest

from common.validate import epoch_ms
from local.simulator.scenario import Experiment, FraudAttack, Incident, Promotion, Scenario, Span, Trend
from local.simulator.truth import truth
from tests.unit.test_simulator import CLEAN, START_MS, events, live, simulation


def seconds(event: dict[str, Any]) -> float:
    return ((epoch_ms(event["event_time"]) or 0) - START_MS) / 1000


def test_searches_for_a_trend_rise_in_its_span_only() -> None:
    trend = Trend("리넨 셔츠", Span(5.0, 30.0), share=0.4, rise_seconds=10.0)
    sim = simulation(Scenario(trends=(trend,)), **CLEAN, history_minutes=0, rate=1200)
    searches = [e for e in events(live(sim, 40)) if e["event_type"] == "search"]
    hits = [seconds(e) for e in searches if e["query"] == "리넨 셔츠"]
    full = [e for e in searches if 15 <= seconds(e) < 35]
    assert 5 <= min(hits) <= max(hits) <= 35
    assert sum(e["query"] == "리넨 셔츠" for e in full) / len(full) == pytest.approx(0.4, abs=0.07)
    assert truth(sim)["trend_searches"] == {"리넨 셔츠": len(hits)}


def test_a_fraud_attack_is_one_card_over_many_users() -> None:
    sim = simulation(Scenario(attacks=(FraudAttack(80, Span(2.0, 4.0)),)), **CLEAN, history_minutes=0, rate=500)
    payments = [e for e in events(live(sim, 8)) if e["event_type"] == "payment"]
    stolen = [e for e in payments if e["payment"]["card_token"] == "card-stolen-0"]
    assert len(stolen) == truth(sim)["events"]["fraud_payment"] == 80
    assert len({e["user_id"] for e in stolen}) > 70
    assert len({e["order_id"] for e in stolen}) == 80
    assert 2 <= min(map(seconds, stolen)) <= max(map(seconds, stolen)) <= 6


def test_an_experiment_assigns_for_good_and_its_lift_is_real() -> None:
    experiment = Experiment("checkout", lift=0.8)
    sim = simulation(Scenario(experiments=(experiment,)), **CLEAN, history_minutes=0, rate=5000)
    exposed: dict[str, set[str]] = defaultdict(set)
    carts: Counter[str] = Counter()
    orders: Counter[str] = Counter()
    for event in events(live(sim, 8)):
        unit = event.get("user_id") or event["session_id"]
        if event["event_type"] == "exposure":
            exposed[unit].add(event["variant"])
        carts[experiment.variant(unit)] += event["event_type"] == "cart_add"
        orders[experiment.variant(unit)] += event["event_type"] == "order"
    assert all(variants == {experiment.variant(unit)} for unit, variants in exposed.items())
    shares = Counter(next(iter(variants)) for variants in exposed.values())
    assert shares["treatment"] / shares.total() == pytest.approx(0.5, abs=0.05)
    assert orders["treatment"] / carts["treatment"] > 1.2 * orders["control"] / carts["control"]


def test_a_promotion_cuts_prices_of_its_category_in_its_span() -> None:
    promotion = Promotion("men/jeans", 0.25, Span(3.0, 5.0))
    sim = simulation(Scenario(promotions=(promotion,)), **CLEAN, history_minutes=0, rate=2000)
    sent = live(sim, 10)
    rows = [orjson.loads(m.value)["after"] for m in sent if m.topic == "catalog"]
    first_price = {row["item_id"]: row["price"] for row in reversed(rows)}
    promoted = [e for e in events(sent) if "promotion_id" in e]
    assert {e["category"] for e in promoted} == {"men/jeans"}
    for event in promoted:
        assert event["price"] == pytest.approx(0.75 * first_price[event["item_id"]], abs=0.01)
        assert 3 <= seconds(event) < 8
    bought = sum(e["event_type"] == "purchase" for e in promoted)
    assert bought == truth(sim)["promoted_purchases"] > 0


def test_an_incident_is_a_burst_of_errors_in_the_logs() -> None:
    incident = Incident("payments", Span(2.0, 3.0), errors_per_second=40.0)
    sim = simulation(Scenario(incidents=(incident,)), **CLEAN, history_minutes=0, rate=200)
    lines = [orjson.loads(m.value) for m in live(sim, 8) if m.topic == "logs"]
    errors = [line for line in lines if line["status"] == 503]
    assert len(errors) == truth(sim)["events"]["incident_line"] == 120
    assert {line["service"] for line in errors} == {"payments"}
    assert {"ts", "service", "level", "status", "latency_ms", "message"} == set(lines[0])
