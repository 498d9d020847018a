"""Kafka connections from one configuration: settings for kafka-python, librdkafka and Spark.

kafka-python is the client of record (admin, consumers, the collector's tests); librdkafka produces on hot
paths, where it was measured 18 times as fast (docs/adr/0006).
"""

from typing import Any

from common.config import Config
from common.endpoints import kafka_servers

KAFKA_PYTHON = {
    "security_protocol": "security_protocol",
    "sasl_mechanism": "sasl_mechanism",
    "sasl_username": "sasl_plain_username",
    "sasl_password": "sasl_plain_password",
    "ssl_cafile": "ssl_cafile",
    "ssl_certfile": "ssl_certfile",
    "ssl_keyfile": "ssl_keyfile",
}
LIBRDKAFKA = {
    "security_protocol": "security.protocol",
    "sasl_mechanism": "sasl.mechanism",
    "sasl_username": "sasl.username",
    "sasl_password": "sasl.password",
    "ssl_cafile": "ssl.ca.location",
    "ssl_certfile": "ssl.certificate.location",
    "ssl_keyfile": "ssl.key.location",
}


def kafka_python_settings(config: Config) -> dict[str, Any]:
    """Keyword arguments for kafka-python's `KafkaProducer`, `KafkaConsumer` and `KafkaAdminClient`."""
    return {"bootstrap_servers": kafka_servers(config).split(","), **_security(config, KAFKA_PYTHON)}


def connection_settings(config: Config) -> dict[str, Any]:
    """What every client of librdkafka needs to reach the brokers."""
    return {"bootstrap.servers": kafka_servers(config), **_security(config, LIBRDKAFKA)}


def producer_settings(config: Config, **overrides: Any) -> dict[str, Any]:
    """Settings for an idempotent `confluent_kafka.Producer`; `overrides` by librdkafka's names."""
    settings: dict[str, Any] = {
        **connection_settings(config),
        "enable.idempotence": True,
        "linger.ms": 2,
        # No codec that a plain kafka-python consumer lacks.
        "compression.type": "none",
        "queue.buffering.max.messages": 200_000,
        "client.id": "stylestream",
    }
    return {**settings, **{name.replace("_", "."): value for name, value in overrides.items()}}


def spark_kafka_options(config: Config) -> dict[str, str]:
    """Options of Spark's Kafka source and sink (without topics and offsets)."""
    options = {"kafka.bootstrap.servers": kafka_servers(config)}
    kafka = config.kafka
    if kafka.security_protocol != "PLAINTEXT":
        options["kafka.security.protocol"] = kafka.security_protocol
    if kafka.sasl_mechanism:
        module = "scram.Scram" if kafka.sasl_mechanism.startswith("SCRAM") else "plain.Plain"
        options["kafka.sasl.mechanism"] = kafka.sasl_mechanism
        options["kafka.sasl.jaas.config"] = (
            f"org.apache.kafka.common.security.{module}LoginModule required "
            f"username={_quoted(kafka.sasl_username)} password={_quoted(kafka.sasl_password)};"
        )
    if kafka.ssl_cafile:
        options |= {"kafka.ssl.truststore.type": "PEM", "kafka.ssl.truststore.location": kafka.ssl_cafile}
    if kafka.ssl_keyfile:
        options |= {"kafka.ssl.keystore.type": "PEM", "kafka.ssl.keystore.location": kafka.ssl_keyfile}
    return options


def _quoted(text: str) -> str:
    """As a string of a JAAS text, which Java's StreamTokenizer reads: nothing in it ends the string or the line."""
    for sign, written in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(sign, written)
    return f'"{text}"'


def _security(config: Config, names: dict[str, str]) -> dict[str, Any]:
    return {theirs: value for ours, theirs in names.items() if (value := getattr(config.kafka, ours))}
