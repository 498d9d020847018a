"""Spark schemas in one place, a comment a field. The JSON contract itself is `common.events`."""

from pyspark.sql.types import (
    BinaryType,
    DateType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from common.events import FIELD_NAMES, PAYMENT_FIELDS


def _texts(names: tuple[str, ...]) -> list[StructField]:
    return [StructField(name, StringType()) for name in names]


# What JSON is read into: every field as text, so that a wrong type can be named instead of becoming null.
PAYMENT_JSON = StructType(_texts(tuple(field.name for field in PAYMENT_FIELDS)))
EVENT_JSON = StructType([*_texts(FIELD_NAMES), StructField("payment", PAYMENT_JSON)])

ITEM_MEASURES = (
    "views",
    "clicks",
    "exposures",
    "carts",
    "wishes",
    "purchases",
    "units",
    "revenue",
    "refunds",
    "refunded",
)
USER_MEASURES = (
    "views",
    "clicks",
    "exposures",
    "carts",
    "wishes",
    "purchases",
    "searches",
    "cart_removes",
    "wish_removes",
)

ITEM_FACTS = StructType(
    [
        StructField("category", StringType()),  # '' when unknown
        StructField("item_id", StringType()),
        StructField("window_start", TimestampType()),  # the minute, UTC
        *[StructField(name, LongType()) for name in ITEM_MEASURES],  # revenue, refunded: ten-thousandths
    ]
)
USER_FACTS = StructType(
    [
        StructField("user", StringType()),  # user_id, else session_id
        StructField("category", StringType()),  # '' when unknown
        StructField("item_id", StringType()),  # '' for exposures and searches
        StructField("window_start", TimestampType()),  # the minute, UTC
        *[StructField(name, LongType()) for name in USER_MEASURES],
        StructField("last_ms", LongType()),  # newest event time, epoch milliseconds
        StructField("price", DoubleType()),  # the highest seen, in the configured currency
    ]
)

# What could not be read, with where it came from.
QUARANTINE = StructType(
    [
        StructField("raw", BinaryType()),  # the bytes as they came
        StructField("field", StringType()),  # which field is wrong, '' for the whole
        StructField("reason", StringType()),
        StructField("source", StringType()),  # collector, lake or catalog: who refused it
        StructField("topic", StringType()),
        StructField("partition", IntegerType()),
        StructField("offset", LongType()),
        StructField("ingest_time", TimestampType()),  # Kafka's append time
        StructField("date", DateType()),  # of ingest_time; partition column
    ]
)
