"""What the scenario and the shop's machinery add to the visits: fraud bursts, log lines, catalogue changes.

All are deterministic in the seed and come on top of the rate.
"""

import heapq
from collections.abc import Iterator
from typing import Any

import orjson

from common.validate import rfc3339
from local.simulator.catalog import first_day
from local.simulator.faults import Encoded
from local.simulator.scenario import FraudAttack, Incident
from local.simulator.session import Fields, Shop, payment

SERVICES = ("storefront", "checkout", "search", "payments")
LOG_CHANCE = 0.02  # log lines an event
MOST_LOGS_PER_SECOND = 50.0

FraudPayment = tuple[float, int, int]  # second, attack, number in the attack


def fraud_schedule(attacks: tuple[FraudAttack, ...]) -> list[FraudPayment]:
    """When each fraudulent payment is due, first due first."""
    due = [
        (attack.span.start + attack.span.seconds * n / attack.payments, index, n)
        for index, attack in enumerate(attacks)
        for n in range(attack.payments)
    ]
    heapq.heapify(due)
    return due


def fraud_payment(shop: Shop, attack: int, number: int) -> tuple[str, Fields]:
    """One payment of an attack: another user each time, the same card, device and address."""
    user = int(shop.draw() * len(shop.shoppers.ids))
    amount = round(150.0 + 350.0 * shop.draw(), 2)
    paid = payment(shop, user, shop.shoppers.ids[user], amount)
    stolen = {"method": "card", "card_token": f"card-stolen-{attack}", "device_id": f"dev-fraud-{attack}"}
    paid |= stolen | {"ip": f"203.0.113.{attack % 256}", "shipping_country": "RO"}
    return shop.shoppers.ids[user], {"order_id": f"{shop.run_id}-f{attack}-{number}", "payment": paid}


def log_line(shop: Shop, at_ms: int) -> Encoded:
    """An ordinary line of a healthy service; one in two hundred is an error."""
    service = SERVICES[int(shop.draw() * len(SERVICES))]
    failed = shop.draw() < 0.005
    line: dict[str, Any] = {
        "ts": rfc3339(at_ms),
        "service": service,
        "level": "ERROR" if failed else "INFO",
        "status": 500 if failed else 200,
        "latency_ms": round(5.0 + 60.0 * shop.draw() ** 3, 1),
        "message": "request failed" if failed else "request served",
    }
    return "logs", service, orjson.dumps(line)


def incident_lines(incident: Incident, since: float, now: float, at_ms: int) -> Iterator[Encoded]:
    """The error lines of an incident that fall between two moments (seconds after live began)."""
    begin, end = incident.span.start, incident.span.start + incident.span.seconds
    rate = incident.errors_per_second
    before = int(max(0.0, min(since, end) - begin) * rate)
    until = int(max(0.0, min(now, end) - begin) * rate)
    line = {
        "ts": rfc3339(at_ms),
        "service": incident.service,
        "level": "ERROR",
        "status": 503,
        "latency_ms": 2000.0,
        "message": "upstream timed out",
    }
    for _ in range(before, until):
        yield "logs", incident.service, orjson.dumps(line)


def snapshot(shop: Shop, at_ms: int) -> Iterator[Encoded]:
    """Every article as a change record with op 'r'."""
    day = first_day(at_ms)
    for item, key in enumerate(shop.catalog.ids):
        yield "catalog", key, shop.catalog.change("r", None, shop.catalog.row(item, day), at_ms)


def changes(shop: Shop, first_ms: int, at_ms: int) -> Iterator[Encoded]:
    """A minute's changes: stock that was sold, and now and then a new price (records with op 'u')."""
    catalog, day = shop.catalog, first_day(first_ms)
    repriced = {int(shop.draw() * len(catalog.ids)) for _ in range(max(1, len(catalog.ids) // 500))}
    for item in sorted(shop.sold.keys() | repriced):
        before = catalog.row(item, day)
        before["stock"] += shop.sold.get(item, 0)
        if item in repriced:
            catalog.price[item] = round(catalog.price[item] * (0.92 + 0.16 * shop.draw()), 2)
        if catalog.stock[item] < 5:
            catalog.stock[item] += 200
        yield "catalog", catalog.ids[item], catalog.change("u", before, catalog.row(item, day), at_ms)
    shop.sold.clear()
