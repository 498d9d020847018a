"""An event counts once, however often it was sent (docs/adr/0005)."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def once_in_stream(events: DataFrame, watermark: str) -> DataFrame:
    """The first of each `event_id` seen within the watermark. A copy that comes later than that is late
    anyway: it has the same event time, so the watermark drops it."""
    return events.withWatermark("event_time", watermark).dropDuplicatesWithinWatermark(["event_id"])


def once_in_batch(events: DataFrame) -> DataFrame:
    """The first of each `event_id`, by the order of arrival (ingest_time, topic, partition, offset)."""
    arrival = Window.partitionBy("event_id").orderBy("ingest_time", "topic", "partition", "offset")
    return events.withColumn("_copy", F.row_number().over(arrival)).filter("_copy = 1").drop("_copy")
