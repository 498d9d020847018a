"""Which topic a name stands for: Kafka gives each that is made an id of its own."""

from collections.abc import Collection

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from common.config import Config
from common.errors import UnavailableError
from common.kafka_client import connection_settings
from common.sources.kafka_ends import SECONDS


def topic_ids(config: Config, topics: Collection[str]) -> dict[str, str]:
    """Topic → its id. Brokers before Kafka 2.8 have none and give the same for all."""
    admin = AdminClient(connection_settings(config))
    asked = admin.describe_topics(TopicCollection(sorted(topics)), request_timeout=SECONDS)
    try:
        return {topic: str(answer.result().topic_id) for topic, answer in asked.items()}
    except KafkaException as error:
        raise UnavailableError(f"Kafka does not answer ({error.args[0].name()}): run 'stylestream status'") from None
