"""What a category is called, on columns: `common.category.normal_category`."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.events import FIELDS

MAX_CATEGORY = next(field.limit for field in FIELDS if field.name == "category")  # characters, typed and composed
NORMALIZER = "com.ibm.icu.text.Normalizer"  # comes with Spark, for its collations; Spark has no function of its own


def as_path(text: Column) -> Column:
    """The text without leading, trailing and doubled slashes; the search for them is all that a plain one costs."""
    slash, doubled = F.lit("/"), F.contains(text, F.lit("//"))
    odd = doubled | F.startswith(text, slash) | F.endswith(text, slash)
    return F.when(odd, F.btrim(F.regexp_replace(text, "/{2,}", "/"), slash)).otherwise(text)


def normal_category(text: Column) -> Column:
    """`as_path`, '' for only slashes, which is no category; in NFC. One that is longer than a category may be is not
    composed, as that can take for ever."""
    text = as_path(text)
    composed = F.reflect(F.lit(NORMALIZER), F.lit("compose"), text, F.lit(False))
    composes = (F.octet_length(text) > F.length(text)) & (F.length(text) <= MAX_CATEGORY)
    return F.when(composes, composed).otherwise(text)


def with_normal_categories(rows: DataFrame) -> DataFrame:
    """Rows of any release with their `category` as it is called today; null where it is none."""
    return rows.withColumn("category", F.nullif(normal_category(F.col("category")), F.lit("")))
