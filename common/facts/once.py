"""An event counts once, however often it was sent (docs/adr/0005)."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from common.duration import duration_ms

DELAY = "spark.watermarkDelayMs"  # how Spark marks the column that a watermark is on


def once_in_stream(events: DataFrame, watermark: str) -> DataFrame:
    """The first of each `event_id` seen within the watermark. A copy that comes later than that is late
    anyway: it has the same event time, so the watermark drops it.

    The watermark follows `event_time`, which is never after the receipt, so that no client moves it for others. Copies
    of an event from a clock that is ahead are received, and so timed, apart: what they have in common is `client_time`,
    by which they are remembered and found late here.
    """
    marked = {DELAY: duration_ms(watermark)}
    timed = events.withWatermark("event_time", watermark).select(
        F.col("event_time").alias("_event_time", metadata={}),
        F.col("client_time").alias("client_time", metadata=marked),
        *[name for name in events.columns if name not in ("event_time", "client_time")],
    )
    first = timed.dropDuplicatesWithinWatermark(["event_id"])
    counted = F.col("_event_time").alias("event_time", metadata=marked)
    return first.select(counted, *[name for name in first.columns if name not in ("_event_time", "client_time")])


def once_in_batch(events: DataFrame) -> DataFrame:
    """The first of each `event_id`, by the order of arrival (ingest_time, topic, partition, offset)."""
    arrival = Window.partitionBy("event_id").orderBy("ingest_time", "topic", "partition", "offset")
    return events.withColumn("_copy", F.row_number().over(arrival)).filter("_copy = 1").drop("_copy")
