"""Every batch job on a lake that has nothing, nearly nothing, or only requests to be forgotten, ends in a sentence."""

from datetime import date

import pytest
from pyspark.sql import SparkSession

from batch import rebuild
from batch.jobs import JOBS, load_job
from batch.tables import append
from common.config import Config
from common.sources.lake import ERASURES, EVENTS
from tests.lake_events import START, event, lake_events

ERASURE = "user string, sessions array<string>, requested_ms bigint, done_at timestamp, date date"
JOB_NAMES = (*JOBS, "rebuild")


def ended(spark: SparkSession, config: Config) -> dict[str, str]:
    """Each job → its status; the jobs in the order of the table, `facts` first, as in the schedule."""
    found = {}
    for name in JOB_NAMES:
        job = load_job(name) if name in JOBS else rebuild.run
        outcome = job(spark, config)
        assert outcome.message.strip() and "\n" not in outcome.message
        found[name] = outcome.status
    return found


def nothing_yet(**others: str) -> dict[str, str]:
    return dict.fromkeys(JOB_NAMES, "no-data") | others


def test_a_lake_without_any_table(spark: SparkSession, config: Config) -> None:
    assert ended(spark, config) == nothing_yet(forget="done")


def test_requests_to_be_forgotten_before_the_first_event(spark: SparkSession, config: Config) -> None:
    asked = int(START.timestamp() * 1000)
    rows = spark.createDataFrame([("ann", ["s1"], asked, None, date(2026, 3, 1))], ERASURE)
    append(rows, config, ERASURES, "date")
    assert ended(spark, config) == nothing_yet()


@pytest.mark.parametrize("kind", ["search", "exposure"])  # of no item, and of one that nobody has acted on
def test_one_event(spark: SparkSession, config: Config, kind: str) -> None:
    item = None if kind == "search" else "coat"
    append(lake_events(spark, [event(1, kind, 0, "ann", item)]), config, EVENTS, "date")
    counted = {"facts": "done", "keywords": "done", "forget": "done", "rebuild": "done"}
    seen = {} if kind == "search" else {"corrections": "done"}
    assert ended(spark, config) == nothing_yet(**counted, **seen)
