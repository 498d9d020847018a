"""Stream facts equal batch facts equal pandas, to the last count, on months of a real shop, also after a kill.

`tests/drills/test_whole_year.py` takes all of its rows."""

import dataclasses
from pathlib import Path

import orjson
import pandas as pd
import pytest
import redis
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from common.config import Config
from common.facts.item import item_facts
from common.facts.once import once_in_batch
from common.kafka_client import spark_kafka_options
from common.keys import Keys
from common.schemas import ITEM_MEASURES
from common.sources.parse import parse, valid
from local.datasets import WATERMARK
from tests.platform import count_item_facts, item_facts_in_redis, kill, run, running, wait_for, write_config

Facts = dict[tuple[str, str, int], tuple[int, ...]]
COUNTED = [ITEM_MEASURES.index(name) for name in ("purchases", "units", "revenue", "refunds", "refunded")]


def by_pandas(file: Path) -> Facts:
    """The facts worked out from the file alone, without any of the project's code: (item, minute) → counts."""
    rows = pd.read_parquet(file)
    rows = rows[rows.UnitPrice >= 0]
    refund = rows.InvoiceNo.astype(str).str.startswith("C")
    rows = rows[refund | (rows.Quantity >= 1)]
    refund = rows.InvoiceNo.astype(str).str.startswith("C")
    quantity = rows.Quantity.abs()
    money = (rows.UnitPrice * quantity * 10_000).round().astype("int64")
    table = pd.DataFrame(
        {
            "item": rows.StockCode.astype(str),
            "minute": rows.InvoiceDate.astype("datetime64[s]").astype("int64") // 60,
            "purchases": (~refund).astype(int),
            "units": quantity.where(~refund, 0),
            "revenue": money.where(~refund, 0),
            "refunds": refund.astype(int),
            "refunded": money.where(refund, 0),
        }
    )
    sums = table.groupby(["item", "minute"]).sum()
    return {("", *key): tuple(int(v) for v in row) for key, row in zip(sums.index, sums.to_numpy(), strict=True)}


def without_category(facts: Facts) -> Facts:
    """Only what pandas knows of: an item has one category in this shop, so nothing is added up here."""
    assert len({item for _, item, _ in facts}) == len({(c, item) for c, item, _ in facts})
    return {("", item, minute): tuple(row[i] for i in COUNTED) for (_, item, minute), row in facts.items()}


def by_batch(records: DataFrame) -> Facts:
    """The same facts by the batch functions over the records in Kafka."""
    facts = item_facts(once_in_batch(valid(parse(records))))
    minute = (F.unix_seconds("window_start") / 60).cast("long").alias("minute")
    rows = facts.select("category", "item_id", minute, *ITEM_MEASURES).toPandas()
    return {tuple(r[:3]): tuple(int(x) for x in r[3:]) for r in rows.itertuples(index=False)}


def backlog(connection: redis.Redis, config: Config) -> int:
    """Records the stream says it has not read."""
    note = connection.get(Keys(config.redis.prefix).progress("facts"))
    return int(orjson.loads(note)["backlog"]) if note else -1


@pytest.fixture
def rows() -> int:
    """How many of the first rows of Online Retail are taken."""
    return 160_000


@pytest.fixture
def replayed(config: Config, data_folder: Path, tmp_path: Path, rows: int) -> tuple[Config, Path, Path]:
    """The rows in Kafka; the configuration, its file, and the data's file."""
    streaming = dataclasses.replace(
        config.streaming, watermark=WATERMARK["online-retail"], max_offsets_per_trigger=rows // 3
    )
    config = dataclasses.replace(config, streaming=streaming)
    conf, file = write_config(config, tmp_path), tmp_path / "retail.parquet"
    pd.read_parquet(data_folder / "online_retail.parquet").head(rows).to_parquet(file, index=False)
    sent = run(["replay", "--dataset", "online-retail", str(file), "--speed", "max"], conf)
    assert sent.returncode == 0, sent.stderr
    return config, conf, file


def test_online_retail_stream_equals_batch_equals_pandas_also_after_kill_9_in_the_middle(
    replayed: tuple[Config, Path, Path], spark: SparkSession, redis_conn: redis.Redis, tmp_path: Path, rows: int
) -> None:
    config, conf, file = replayed
    log, key = tmp_path / "stream.log", Keys(config.redis.prefix).item_fact
    expected = by_pandas(file)
    minutes = sorted(minute for _, _, minute in expected)
    middle, last = key(minutes[len(minutes) // 2]), key(minutes[-1])
    with running(["stream", "facts"], conf, log) as first:
        wait_for("half of it in Redis", lambda: bool(redis_conn.exists(middle)), 480)
        kill(first)
    assert not redis_conn.exists(last), "the kill came too late to prove anything"
    with running(["stream", "facts"], conf, log):
        complete = len(expected)
        wait_for("all of it in Redis", lambda: bool(redis_conn.exists(last)), 480)
        wait_for("nothing left in Kafka", lambda: backlog(redis_conn, config) == 0, 240)
        wait_for("every fact", lambda: count_item_facts(redis_conn, config.redis.prefix) >= complete, 120)
    stream = item_facts_in_redis(redis_conn, config.redis.prefix)
    topics = ",".join(config.topic(name) for name in ("behavior", "orders"))
    records = spark.read.format("kafka").options(**spark_kafka_options(config)).option("subscribe", topics).load()
    assert records.count() == rows
    assert without_category(stream) == expected
    assert by_batch(records) == stream
