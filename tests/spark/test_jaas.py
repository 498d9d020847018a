"""What Kafka's own reader of JAAS texts finds in ours: one login module with exactly the user and password given."""

import dataclasses

import pytest
from pyspark.sql import SparkSession

from common.config_load import load_config
from common.kafka_client import spark_kafka_options

NASTY = [
    "plain",
    'quo"te',
    "quo'te",
    "back\\slash",
    "ends with \\",
    '\\"',
    "two  spaces ",
    'x" user_evil="y',
    'x"; org.apache.kafka.common.security.plain.PlainLoginModule required username="evil',
    "semi;colon",
    "// no comment /* either */",
    "\\n\\t\\101",
    "line\nbreak\r\ttab",
    "$-_=,#%{}",
    "\uc554\ud638 \u00e9\U0001f511",
]


def found(spark: SparkSession, text: str) -> list[tuple[str, dict[str, str]]]:
    """(module, options) of each entry, by `org.apache.kafka.common.security.JaasContext`."""
    jvm = spark._jvm
    assert jvm is not None
    settings = jvm.java.util.HashMap()
    settings["sasl.jaas.config"] = jvm.org.apache.kafka.common.config.types.Password(text)
    entries = jvm.org.apache.kafka.common.security.JaasContext.loadClientContext(settings).configurationEntries()
    return [(entry.getLoginModuleName(), dict(entry.getOptions())) for entry in entries]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_no_user_or_password_says_more_than_itself(spark: SparkSession, mechanism: str) -> None:
    config = load_config(env={})
    module = "scram.Scram" if mechanism.startswith("SCRAM") else "plain.Plain"
    for user, password in [*zip(NASTY, reversed(NASTY), strict=True), *((text, text) for text in NASTY)]:
        kafka = dataclasses.replace(
            config.kafka, sasl_mechanism=mechanism, sasl_username=user, sasl_password=password, bootstrap_servers="h:1"
        )
        options = spark_kafka_options(dataclasses.replace(config, kafka=kafka))
        assert found(spark, options["kafka.sasl.jaas.config"]) == [
            (f"org.apache.kafka.common.security.{module}LoginModule", {"username": user, "password": password})
        ]
