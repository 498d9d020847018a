"""The collector and Spark read the same bytes alike: verdict, field, reason and every value (docs/adr/0024)."""

from random import Random

from pyspark.sql import SparkSession

from tests.fuzz.agreement import differences
from tests.fuzz.messages import SEEDS, message


def test_what_was_once_read_in_two_ways_and_the_edges_of_rules_are_read_alike(spark: SparkSession) -> None:
    assert differences(spark, SEEDS) == []


def test_two_thousand_messages_that_are_nearly_events_are_read_alike(spark: SparkSession) -> None:
    assert differences(spark, [message(Random(seed)) for seed in range(2000)]) == []
