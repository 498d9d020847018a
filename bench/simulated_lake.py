"""The simulator's past as a lake: `events` and `catalog` as the stream would have left them, and the truth beside.

Without Kafka: the messages go through the same parsing and the same selects, from a Parquet file of records.
"""

import dataclasses
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.tables import append
from common.config import Config
from common.events import EVENT_TOPICS
from common.sources.catalog import parse_changes
from common.sources.lake import CATALOG, EVENTS
from common.sources.parse import parse
from local.produce import Message
from local.simulator.scenario import Scenario
from local.simulator.simulation import Simulation
from streaming.lake import catalog_log, lake_events

RECORD = pa.schema([("topic", pa.string()), ("value", pa.binary()), ("offset", pa.int64())])
AT_ONCE = 50_000
CHANCES = pa.schema([("event_id", pa.string()), ("chance", pa.float64())])
NO_FAULTS = {"malformed_fraction": 0.0, "duplicate_fraction": 0.0, "late_fraction": 0.0}


def fill(spark: SparkSession, config: Config, folder: Path, end_ms: int, **settings: int) -> DataFrame:
    """Writes the past of a shop with these `settings` up to `end_ms` into the lake.

    Returns `event_id, chance` of its exposures: the probability, by the simulator's truth, that it is clicked.
    """
    simulator = dataclasses.replace(config.simulator, **NO_FAULTS, **settings)  # type: ignore[arg-type]
    simulation = Simulation(simulator, Scenario(), "sim", config.currency, 0)
    simulation.chances = {}
    first_ms = end_ms - simulator.history_minutes * 60_000
    _write(chain(simulation.catalog(first_ms), simulation.history(end_ms)), folder / "records.parquet")
    records = spark.read.parquet(str(folder / "records.parquet")).select(
        "*", F.lit(0).alias("partition"), F.timestamp_millis(F.lit(end_ms)).alias("timestamp")
    )
    append(lake_events(parse(records.where(F.col("topic").isin(*EVENT_TOPICS)))), config, EVENTS, "date")
    append(catalog_log(parse_changes(records.where("topic = 'catalog'"))), config, CATALOG, "date")
    ids, chances = list(simulation.chances), list(simulation.chances.values())
    pq.write_table(pa.table([ids, chances], schema=CHANCES), folder / "chances.parquet")
    return spark.read.parquet(str(folder / "chances.parquet"))


def _write(messages: Iterator[Message], file: Path) -> None:
    offset = 0
    with pq.ParquetWriter(file, RECORD) as writer:
        while part := list(islice(messages, AT_ONCE)):
            columns = [[m.topic for m in part], [m.value for m in part], range(offset, offset + len(part))]
            writer.write_table(
                pa.table([pa.array(c, f.type) for c, f in zip(columns, RECORD, strict=True)], schema=RECORD)
            )
            offset += len(part)
