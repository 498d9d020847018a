"""Creates our Kafka topics (`common.events.TOPICS`) where they are missing.

Topics carry the time at which Kafka took a record (LogAppendTime), so that retention counts from arrival also
when a replay writes events that happened years ago.
"""

from contextlib import suppress
from dataclasses import dataclass

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError

from common.config import Config
from common.errors import UnavailableError
from common.events import TOPICS
from local.reach import kafka_admin

HOUR_MS = 3_600_000
TIME_TYPE = "message.timestamp.type"
PRODUCERS_TIME = (
    "topic {} carries the producer's time (CreateTime): when a message was received is not known, so that a wrong clock"
    " can make events of a backlog late"
)
MEND = "kafka-configs --alter --entity-type topics --entity-name {} --add-config message.timestamp.type=LogAppendTime"


@dataclass(frozen=True)
class Topic:
    """A topic as it stands in Kafka after the call."""

    name: str
    partitions: int
    created: bool
    timed_by_broker: bool = True

    @property
    def warning(self) -> str:
        """What is wrong with the topic, and how to mend it; '' when nothing is."""
        return "" if self.timed_by_broker else f"{PRODUCERS_TIME.format(self.name)}; to mend: {MEND.format(self.name)}"


def check_topics(config: Config) -> list[Topic]:
    """Those of our topics that exist, as they stand. `UnavailableError` when Kafka does not answer."""
    admin = kafka_admin(config)
    try:
        return _stand(admin, [config.topic(name) for name in TOPICS], [])
    except KafkaError as error:
        raise UnavailableError(f"Kafka does not describe topics: {' '.join(str(error).split())[:300]}") from None
    finally:
        admin.close()


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
        return _stand(admin, wanted, missing)
    except KafkaError as error:
        raise UnavailableError(f"Kafka refuses our topics: {' '.join(str(error).split())[:300]}") from None
    finally:
        admin.close()


def _stand(admin: KafkaAdminClient, wanted: list[str], created: list[str]) -> list[Topic]:
    present = _partitions(admin, wanted)
    asked = [ConfigResource(ConfigResourceType.TOPIC, name, configs={TIME_TYPE: None}) for name in present]
    found = admin.describe_configs(asked).get("topic", {}) if asked else {}
    times = {name: found.get(name, {}).get(TIME_TYPE, {}).get("value") for name in present}
    return [
        Topic(name, present[name], name in created, times[name] != "CreateTime") for name in wanted if name in present
    ]


def _create(admin: KafkaAdminClient, config: Config, names: list[str]) -> None:
    kafka = config.kafka
    topic = {
        "num_partitions": kafka.partitions,
        "replication_factor": kafka.replication_factor,
        "configs": {
            TIME_TYPE: "LogAppendTime",
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
