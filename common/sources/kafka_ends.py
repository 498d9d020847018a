"""What offsets Kafka has of a partition."""

from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition

from common.config import Config
from common.errors import UnavailableError
from common.kafka_client import connection_settings

SECONDS = 8


def partition_ends(config: Config, names: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    """The first offset that is still there of each 'topic/partition', and the next one to be written."""
    own = {"group.id": "stylestream-ends", "enable.auto.commit": False}
    consumer = Consumer({**connection_settings(config), **own})
    first, last = {}, {}
    try:
        for name in names:
            topic, _, number = name.rpartition("/")
            first[name], last[name] = consumer.get_watermark_offsets(TopicPartition(topic, int(number)), SECONDS)
    except KafkaException as error:
        raise UnavailableError(f"Kafka does not answer ({error.args[0].name()}): run 'stylestream status'") from None
    finally:
        consumer.close()
    return first, last
