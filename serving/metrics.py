"""What the serving process counts, for Prometheus. Labels are few and bounded: nothing callers choose."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Metrics:
    """One registry a process (or a test)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "stylestream_http_request_seconds",
            "Time to answer, by route and status.",
            ("method", "route", "status"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.accepted = Counter(
            "stylestream_events_accepted",
            "Events acknowledged by Kafka, by type.",
            ("event_type",),
            registry=self.registry,
        )
        self.rejected = Counter(
            "stylestream_events_rejected",
            "Events refused, by field and reason.",
            ("field", "reason"),
            registry=self.registry,
        )
        self.resent = Counter(
            "stylestream_events_resent", "Events that had been accepted before.", registry=self.registry
        )
        self.ack = Histogram(
            "stylestream_kafka_ack_seconds",
            "Time until Kafka had acknowledged a request's events.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.fallbacks = Counter(
            "stylestream_recommendations",
            "Recommendation answers, by fallback.",
            ("fallback",),
            registry=self.registry,
        )
        self.stream_age = Gauge(
            "stylestream_stream_age_seconds",
            "Since the streaming facts last reported, as of the last look.",
            registry=self.registry,
        )

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)
