"""Query facts: who searched for what in a minute."""

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.facts.aggregate import QUERY, aggregate
from common.models.keyword_text import keyword

BY_KEYWORD = "keyword string, user string, window_start timestamp"


def query_facts(events: DataFrame) -> DataFrame:
    """`query` (as typed), `user`, `window_start`, `searches`, `clicks` (those that named the query) of valid, once-only
    events."""
    facts = aggregate(events, (QUERY,)).filter(F.col("fact") == QUERY)
    return facts.select(F.col("key").alias("query"), "user", "window_start", "searches", "clicks")


def searchers(facts: DataFrame, max_length: int) -> DataFrame:
    """`keyword, window_start, searchers` (distinct people) out of `query_facts`, normalised on the executors."""
    named = (
        facts.where("searches > 0").select("query", "user", "window_start").mapInArrow(_named(max_length), BY_KEYWORD)
    )
    return named.groupBy("keyword", "window_start").agg(F.countDistinct("user").alias("searchers"))


def _named(max_length: int) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            found = [keyword(text, max_length) for text in batch["query"].to_pylist()]
            keys = pa.array([one.key if one else None for one in found], pa.string())
            named = pa.record_batch([keys, batch["user"], batch["window_start"]], ["keyword", "user", "window_start"])
            yield named.filter(pc.is_valid(keys))

    return rows
