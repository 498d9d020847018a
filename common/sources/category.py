"""What a category is called, on columns: `common.category.normal_category`."""

from pyspark.sql import Column
from pyspark.sql import functions as F

NORMALIZER = "com.ibm.icu.text.Normalizer"  # comes with Spark, for its collations; Spark has no function of its own


def normal_category(text: Column) -> Column:
    """The text in NFC."""
    composed = F.reflect(F.lit(NORMALIZER), F.lit("compose"), text, F.lit(False))
    return F.when(F.octet_length(text) > F.length(text), composed).otherwise(text)
