"""Appends to Delta exactly once from foreachBatch."""

from pyspark.sql import DataFrame

from common.config import Config
from common.sources.lake import table_path


def append_once(rows: DataFrame, config: Config, table: str, batch_id: int) -> None:
    """Appends `rows` to a table partitioned by `date`; a batch that was already committed is skipped.

    Delta notes (application, batch) with the data in one commit: the application is the query, whose id
    lives in its checkpoint, so a new checkpoint writes anew and a restart does not write twice. A batch
    appends to a table once at most. A column that a newer release writes is added to the table.
    """
    spark = rows.sparkSession
    query = spark.sparkContext.getLocalProperty("sql.streaming.queryId")
    if query is None:
        raise RuntimeError("append_once is for foreachBatch: there is no streaming query here")
    (
        rows.repartition("date")
        .write.format("delta")
        .mode("append")
        .partitionBy("date")
        .option("txnAppId", f"{query}-{table}")
        .option("txnVersion", batch_id)
        .option("mergeSchema", True)
        .save(table_path(config, table))
    )
