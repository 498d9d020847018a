"""What the serving process counts, for Prometheus. Labels are few and bounded: nothing callers choose."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from serving.drift import Drift

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Metrics:
    """One registry a process (or a test)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._histogram(
            "http_request_seconds", "Time to answer, by route and status.", "method", "route", "status"
        )
        self.accepted = self._counter("events_accepted", "Events acknowledged by Kafka, by type.", "event_type")
        self.rejected = self._counter("events_rejected", "Events refused, by field and reason.", "field", "reason")
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
        )
        self.drift = Drift(self.registry)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"stylestream_{name}", what, labels, registry=self.registry)

    def _histogram(self, name: str, what: str, *labels: str) -> Histogram:
        return Histogram(f"stylestream_{name}", what, labels, buckets=SECONDS, registry=self.registry)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)
