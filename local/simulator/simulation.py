"""The simulated shop as a stream of messages: catalogue, history at full speed, live events when due.

Enters: `SimulatorConfig`, a `Scenario`, a run id (first part of every event_id, order_id and session_id).
Leaves: `Message`s whose values are events (common/events.py), change records and log lines, in
event-time order except for late ones. The rate is exact from the first second on: as many visits are under
way as it takes, and event n happens n / rate seconds after the start (think times only say which visit is
next). Popularity drifts and change records go out with every minute of event time.
"""

import heapq
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from common.config import SimulatorConfig
from common.events import topic_of
from common.validate import rfc3339
from local.produce import Message
from local.simulator.catalog import draw_catalog
from local.simulator.choice import Choice, uniforms
from local.simulator.extras import (
    LOG_CHANCE,
    MOST_LOGS_PER_SECOND,
    changes,
    fraud_payment,
    fraud_schedule,
    incident_lines,
    log_line,
    snapshot,
)
from local.simulator.faults import Encoded, Faults
from local.simulator.scenario import Scenario
from local.simulator.session import ANONYMOUS, Fields, Shop, Step, visit
from local.simulator.shoppers import draw_shoppers

HISTORY_EVENTS_PER_USER = 20
HISTORY_EVENTS_PER_ITEM = 20
THINK_SECONDS = 5.0  # mean of the steps' think times: visits under way = rate times this
DEVICES = ("mobile",) * 11 + ("desktop",) * 6 + ("app",) * 3
# Due in visit time, number, user id, session id, device, steps.
Visit = tuple[float, int, str, str, str, Iterator[Step]]


class Simulation:
    """State of one run; ask for `catalog`, then `history`, then `live`."""

    def __init__(
        self, settings: SimulatorConfig, scenario: Scenario, run_id: str, currency: str, watermark_ms: int
    ) -> None:
        catalog_rng, user_rng, choice_rng, visit_rng, fault_rng = np.random.default_rng(settings.seed).spawn(5)
        self.settings = settings
        catalog = draw_catalog(catalog_rng, settings.items)
        shoppers = draw_shoppers(user_rng, settings.users)
        choice = Choice(catalog, shoppers, choice_rng)
        self.shop = Shop(catalog, shoppers, choice, scenario, uniforms(visit_rng), currency, run_id)
        self.faults = Faults(
            malformed=settings.malformed_fraction,
            duplicate=settings.duplicate_fraction,
            late=settings.late_fraction,
            latest_ms=watermark_ms * 4 // 5,
            draw=uniforms(fault_rng),
        )
        self.counts: Counter[str] = Counter()
        self.chances: dict[str, float] | None = None  # a dict: gets each exposure's chance of a click by event_id
        self._fraud = fraud_schedule(scenario.attacks)
        self._visits: list[Visit] = []
        self._begun = self._events = self._hour = self._first_ms = 0
        self._by_hour: list[float] = []
        self._minute, self._second, self._second_text = -1, -1, ""

    def catalog(self, at_ms: int) -> Iterator[Message]:
        """The whole catalogue, due at once."""
        self._first_ms = at_ms
        for topic, key, value in snapshot(self.shop, at_ms):
            yield Message(0.0, topic, key, value)

    def history_events(self) -> int:
        """Enough for models to learn from, whatever the live rate."""
        return max(HISTORY_EVENTS_PER_USER * self.settings.users, HISTORY_EVENTS_PER_ITEM * self.settings.items)

    def history(self, end_ms: int) -> Iterator[Message]:
        """`history_minutes` of the past up to `end_ms`, due at once."""
        seconds = self.settings.history_minutes * 60
        rate = self.history_events() / seconds if seconds else 1.0
        for n in range(self.history_events() if seconds else 0):
            at = n / rate - seconds
            for encoded in self._slot(at, end_ms, rate):
                yield Message(0.0, *encoded)

    def live(self, start_ms: int, due: float = 0.0) -> Iterator[Message]:
        """Events without end at the configured rate; the first is due at `due`."""
        n, rate = 0, self.settings.rate
        while True:
            at = n / rate
            for encoded in self._slot(at, start_ms, rate):
                yield Message(due + at, *encoded)
            n += 1

    def rest(self) -> Iterator[Message]:
        """Duplicates still owed when a run ends, due at once."""
        for encoded in self.faults.rest():
            yield Message(0.0, *encoded)

    def _slot(self, at: float, start_ms: int, rate: float) -> Iterator[Encoded]:
        """The next step of the visit whose turn it is, with what else happens at this moment."""
        shop, at_ms = self.shop, start_ms + int(at * 1000)
        if at_ms // 60_000 != self._minute:
            yield from self._tick(at_ms)
        since, shop.now = shop.now, at
        yield from self._step(at_ms, rate)
        while self._fraud and self._fraud[0][0] <= at:
            _, attack, number = heapq.heappop(self._fraud)
            self.counts["fraud_payment"] += 1
            yield from self._event(at_ms, "payment", *fraud_payment(shop, attack, number))
        if shop.draw() < min(LOG_CHANCE, MOST_LOGS_PER_SECOND / rate):
            yield log_line(shop, at_ms)
        for incident in shop.scenario.incidents:
            for line in incident_lines(incident, since, at, at_ms):
                self.counts["incident_line"] += 1
                yield line

    def _tick(self, at_ms: int) -> Iterator[Encoded]:
        """A new minute of event time."""
        if self._minute >= 0:
            self.shop.choice.drift()
            yield from changes(self.shop, self._first_ms, at_ms)
        self._minute = at_ms // 60_000
        hour = at_ms // 3_600_000 % 24
        if hour != self._hour or not self._by_hour:
            self._hour, self._by_hour = hour, self.shop.shoppers.by_hour(hour)

    def _step(self, at_ms: int, rate: float) -> Iterator[Encoded]:
        visits = self._visits
        if len(visits) < max(20.0, min(rate * THINK_SECONDS, self.settings.users / 2)):
            now = visits[0][0] if visits else 0.0
            heapq.heappush(visits, self._begin(now + THINK_SECONDS * self.shop.draw()))
        due, number, user, session, device, steps = heapq.heappop(visits)
        step = next(steps, None)
        while step is None:
            due, number, user, session, device, steps = self._begin(due)
            step = next(steps, None)
        heapq.heappush(visits, (due + step.think, number, user, session, device, steps))
        if self.chances is not None and step.chance is not None:
            self.chances[f"{self.shop.run_id}-{self._events + 1}"] = step.chance
        yield from self._event(at_ms, step.event_type, user, {"device": device, **step.fields}, session)

    def _begin(self, due: float) -> Visit:
        shop = self.shop
        self._begun += 1
        session = f"{shop.run_id}-s{self._begun}"
        index = min(int(np.searchsorted(self._by_hour, shop.draw())), len(shop.shoppers.ids) - 1)
        user = "" if shop.draw() < ANONYMOUS else shop.shoppers.ids[index]
        # The shopper's usual device; every fifth visit any.
        device = DEVICES[(index * 7 + (self._begun if self._begun % 5 == 0 else 0)) % len(DEVICES)]
        return due, self._begun, user, session, device, visit(shop, index, user or session)

    def _event(self, at_ms: int, event_type: str, user: str, fields: Fields, session: str = "") -> Iterator[Encoded]:
        self._events += 1
        event: dict[str, Any] = {
            "event_id": f"{self.shop.run_id}-{self._events}",
            "event_type": event_type,
            "event_time": self._time(at_ms),
        }
        if user:
            event["user_id"] = user
        if session:
            event["session_id"] = session
        event.update(fields)
        self.counts[event_type] += 1
        return self.faults.encode(event, at_ms, topic_of(event_type), user or session)

    def _time(self, at_ms: int) -> str:
        second, millis = divmod(at_ms, 1000)
        if second != self._second:
            self._second, self._second_text = second, rfc3339(second * 1000)[:20]
        return f"{self._second_text}{millis:03d}Z"
