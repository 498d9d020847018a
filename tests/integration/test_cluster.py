"""The same scripts on a `spark://` master with two workers: facts into Redis, ALS out of the lake."""

import dataclasses
from collections import Counter
from pathlib import Path

import orjson
import redis
from kafka import KafkaProducer
from pyspark.sql import SparkSession

from common.config import Config
from common.kafka_client import kafka_python_settings
from common.keys import Keys
from common.schemas import ITEM_MEASURES
from common.sources.lake import EVENTS, table_path
from local.spark_defaults import write_spark_defaults
from tests.cluster import cluster, spark_submit
from tests.lake_events import lake_events, planted
from tests.platform import item_facts_in_redis, wait_for, write_config

ROOT = Path(__file__).resolve().parents[2]


def test_facts_and_als_run_by_spark_submit_on_a_master_with_two_workers(
    config: Config, spark: SparkSession, redis_conn: redis.Redis, tmp_path: Path
) -> None:
    write_spark_defaults()
    small = dataclasses.replace(config.als, rank=4, iterations=2, candidates=5)
    conf, log = write_config(dataclasses.replace(config, als=small), tmp_path), tmp_path / "submit.log"
    rows = planted(groups=4, users=30, items=12, actions=8, seed=1)
    lake_events(spark, rows).write.format("delta").partitionBy("date").save(table_path(config, EVENTS))
    _send(config, rows)
    with cluster(tmp_path) as master:
        als = spark_submit(master, str(ROOT / "batch" / "als.py"), conf, log)
        assert als.wait(480) == 0, log.read_text()[-3000:]
        assert redis_conn.get(Keys(config.redis.prefix).live_model)
        facts = spark_submit(master, str(ROOT / "streaming" / "facts.py"), conf, log)
        try:
            wait_for("facts of every event", lambda: _counted(redis_conn, config) == len(rows), 300)
        finally:
            facts.terminate()
        assert facts.wait(60) in (0, 143), log.read_text()[-3000:]  # spark-submit, not Python, gets the signal


def _send(config: Config, rows: list[dict[str, object]]) -> None:
    """The lake's rows as events; purchases as views, which need no order."""
    producer = KafkaProducer(**kafka_python_settings(config))
    for row in rows:
        event = {name: row[name] for name in ("event_id", "user_id", "item_id", "category", "price")}
        event |= {"event_type": "view", "event_time": f"{row['event_time']:%Y-%m-%dT%H:%M:%SZ}"}
        producer.send(config.topic("behavior"), orjson.dumps(event), key=str(row["user_id"]).encode())
    producer.flush()
    producer.close()


def _counted(connection: redis.Redis, config: Config) -> int:
    totals: Counter[str] = Counter()
    for row in item_facts_in_redis(connection, config.redis.prefix).values():
        totals.update(dict(zip(ITEM_MEASURES, row, strict=True)))
    return totals["views"]
