"""What our own services note in Kafka for the lake: answers of the recommendation surfaces, requests to be forgotten.

Written by this project alone, so there is no quarantine: what does not fit its schema is left out.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

ITEM = "struct<item_id:string,position:int,score:double,explored:boolean>"
CANDIDATES_JSON = (
    "request_id string, time timestamp, surface string, user_id string, item_id string, fallback string,"
    f" versions map<string,string>, items array<{ITEM}>"
)
ERASURE_JSON = "user string, sessions array<string>, requested_ms bigint"


def exposure_candidates(records: DataFrame) -> DataFrame:
    """Answers, one a row, by the date of the answer."""
    rows = records.select(_json(CANDIDATES_JSON), F.col("timestamp").alias("ingest_time")).where("r.time is not null")
    return rows.select("r.*", "ingest_time", F.to_date("r.time").alias("date"))


def erasures(records: DataFrame) -> DataFrame:
    """Requests to be forgotten; `done_at` is null until the job `forget` is sure."""
    rows = records.select(_json(ERASURE_JSON), F.col("timestamp").alias("ingest_time"))
    kept = rows.where("r.user is not null and r.requested_ms is not null")
    done = F.lit(None).cast("timestamp").alias("done_at")
    return kept.select("r.*", done, "ingest_time", F.to_date("ingest_time").alias("date"))


def _json(schema: str) -> Column:
    return F.from_json(F.col("value").cast("string"), schema).alias("r")
