"""What the serving processes count, for Prometheus. Labels are few and bounded: nothing callers choose.

Where several processes serve (`serving.workers`), each writes its counts to files in the folder that `SHARED` names,
and whichever is asked adds them up: prometheus_client does so when the variable is set before it is imported.
"""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from serving import SHARED
from serving.drift import Drift
from serving.query_ages import QueryAges

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Metrics:
    """One a process (or a test)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._histogram(
            "http_request_seconds", "Time to answer, by route and status.", "method", "route", "status"
        )
        self.accepted = self._counter("events_accepted", "Events acknowledged by Kafka, by type.", "event_type")
        self.rejected = self._counter("events_rejected", "Events refused, by field and reason.", "field", "reason")
        self.categories_over = self._counter(
            "categories_over", "Events whose category is above serving.max_categories: they count as 'other'."
        )
        self.resent = self._counter("events_resent", "Events that had been accepted before.")
        self.ack = self._histogram("kafka_ack_seconds", "Time until Kafka had acknowledged a request's events.")
        self.fallbacks = self._counter(
            "recommendations", "Recommendation answers, by surface and fallback.", "surface", "fallback"
        )
        self.candidates_logged = self._counter(
            "exposure_candidates", "Answers handed to Kafka for the log, or dropped.", "state"
        )
        self.stream_age = Gauge(
            "stylestream_stream_age_seconds",
            "Since the streaming facts last reported, as of the last look.",
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )
        self.ages = QueryAges(self.registry)
        self.drift = Drift(self.registry)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"stylestream_{name}", what, labels, registry=self.registry)

    def _histogram(self, name: str, what: str, *labels: str) -> Histogram:
        return Histogram(f"stylestream_{name}", what, labels, buckets=SECONDS, registry=self.registry)

    def text(self) -> bytes:
        """The exposition format, of all processes that serve."""
        if SHARED not in os.environ:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
