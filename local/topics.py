"""Creates our Kafka topics (`common.events.TOPICS`) where they are missing.

Topics carry the time at which Kafka took a record (LogAppendTime), so that retention counts from arrival also
when a replay writes events that happened years ago.
"""

from contextlib import suppress
from dataclasses import dataclass

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from common.config import Config
from common.errors import UnavailableError
from common.events import TOPICS
from local.reach import kafka_admin

HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Topic:
    """A topic as it stands in Kafka after the call."""

    name: str
    partitions: int
    created: bool


def create_topics(config: Config) -> list[Topic]:
    """Makes sure that every topic of ours exists; existing ones are left as they are, and reported.

    Returns all of them when each has a leader. `UnavailableError` when Kafka does not answer or refuses.
    """
    admin = kafka_admin(config)
    try:
        wanted = [config.topic(name) for name in TOPICS]
        present = _partitions(admin, wanted)
        missing = [name for name in wanted if name not in present]
        if missing:
            _create(admin, config, missing)
            present = _partitions(admin, wanted)
    except KafkaError as error:
        raise UnavailableError(f"Kafka refuses our topics: {' '.join(str(error).split())[:300]}") from None
    finally:
        admin.close()
    return [Topic(name, present.get(name, 0), name in missing) for name in wanted]


def _create(admin: KafkaAdminClient, config: Config, names: list[str]) -> None:
    kafka = config.kafka
    topic = {
        "num_partitions": kafka.partitions,
        "replication_factor": kafka.replication_factor,
        "configs": {
            "message.timestamp.type": "LogAppendTime",
            "retention.ms": str(kafka.retention_hours * HOUR_MS),
        },
    }
    with suppress(TopicAlreadyExistsError):  # another process of ours was first
        admin.create_topics(dict.fromkeys(names, topic), timeout_ms=8000)
    admin.wait_for_topics(names)


def _partitions(admin: KafkaAdminClient, names: list[str]) -> dict[str, int]:
    # Only ours: a broker may hold thousands of others.
    found = admin.describe_topics(names)
    return {topic["name"]: len(topic["partitions"]) for topic in found if topic["error_code"] == 0}
