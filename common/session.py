"""Builds the Spark session: one place for what makes Spark, Delta and streaming behave the same everywhere."""

import os
import sys

from pyspark.sql import SparkSession

from common.config import Config
from common.errors import MissingRequirementError
from common.jars import class_path

STREAMING = "org.apache.spark.sql.execution.streaming"
DEFAULTS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.streaming.noDataMicroBatches.enabled": "false",
    "spark.sql.streaming.stateStore.providerClass": f"{STREAMING}.state.RocksDBStateStoreProvider",
    "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
    # Counting the rows of the state on every put costs a read each; the sinks count what we report.
    "spark.sql.streaming.stateStore.rocksdb.trackTotalNumberOfRows": "false",
    # The fallback to sorting at 128 groups is meant for batch; a micro-batch has a bounded number of groups.
    "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "1000000",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "20000",
    "spark.python.worker.reuse": "true",
    # A JSON object with the same name twice is bad style, no reason to stop a query.
    "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
    "spark.databricks.delta.snapshotPartitions": "2",
    # The least and most of each column in each file: the tables are read by date, their partition, and working these
    # out costs a small commit more than its rows do (one run each on a busy machine: 4 against 2.4 core-seconds).
    "spark.databricks.delta.stats.collect": "false",
    "spark.databricks.delta.retentionDurationCheck.enabled": "true",
    "spark.ui.showConsoleProgress": "false",
    "spark.ui.enabled": "false",
    # Without the page nobody reads what Spark keeps for it: a thousand plans and a hundred thousand tasks by default.
    "spark.sql.ui.retainedExecutions": "20",
    "spark.ui.retainedJobs": "100",
    "spark.ui.retainedStages": "100",
    "spark.ui.retainedTasks": "2000",
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC -Xss16m",
}
# What is over soon, or runs seldom, is through before the JVM's optimising compiler has paid for itself: `als` on
# 40,000 events took 197 core-seconds with it, 148 without; in a fresh demo the lake's first commit came 45 s after
# READY with it, 9 s without (one run each). The other compiler has 48 MB for code by default: many plans outgrow that.
UNOPTIMISED = {
    "spark.driver.extraJavaOptions": f"{DEFAULTS['spark.driver.extraJavaOptions']} -XX:TieredStopAtLevel=1"
    " -XX:ReservedCodeCacheSize=240m"
}
# Pushing a filter below the projection that parses JSON makes Spark parse once more for every rule in it.
OPTIMIZER = "org.apache.spark.sql.catalyst.optimizer"
PARSE_ONCE = {
    "spark.sql.optimizer.excludedRules": f"{OPTIMIZER}.PushDownPredicates,{OPTIMIZER}.InferFiltersFromGenerate",
    "spark.sql.optimizer.enableJsonExpressionOptimization": "false",
    # A second checksum over every shuffled row; the files have one already.
    "spark.sql.shuffle.orderIndependentChecksum.enabled": "false",
}
# On a local disk Hadoop forks a chmod for every file; this file system does not.
LOCAL_FILES = {
    "spark.hadoop.fs.file.impl": "com.globalmentor.apache.hadoop.fs.BareLocalFileSystem",
    "spark.sql.streaming.checkpointFileManagerClass": f"{STREAMING}.checkpointing.FileSystemBasedCheckpointFileManager",
}


def build_session(config: Config, app_name: str, extra: dict[str, str] | None = None) -> SparkSession:
    """A session for `config`, or the one that `spark-submit` has prepared.

    `extra` are further properties of this job; those of `config.spark.conf` win over all. Under
    `spark-submit` the master, memory and class path are its own. `MissingRequirementError` when the
    connectors are not on the class path.
    """
    builder = SparkSession.builder.appName(app_name)
    properties = {**DEFAULTS, "spark.sql.shuffle.partitions": str(config.spark.shuffle_partitions)}
    if config.spark.local_files:
        properties |= LOCAL_FILES
    if not under_spark_submit():
        path = class_path()
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # executors need the same packages
        properties |= {
            "spark.master": config.spark.master,
            "spark.driver.memory": config.spark.driver_memory,
            "spark.driver.extraClassPath": path,
            "spark.executor.extraClassPath": path,
        }
    for name, value in {**properties, **(extra or {}), **config.spark.conf}.items():
        builder = builder.config(name, value)
    return _checked(builder)


def under_spark_submit() -> bool:
    """Whether the JVM is there already, started by `spark-submit`."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def _checked(builder: SparkSession.Builder) -> SparkSession:
    try:
        spark = builder.getOrCreate()
        spark.sparkContext.setLogLevel("WARN")
        spark._jvm.java.lang.Class.forName("io.delta.sql.DeltaSparkSessionExtension")  # type: ignore[union-attr]
    except Exception as error:
        if "ClassNotFound" in str(error):
            raise MissingRequirementError(
                "Delta and Kafka connectors are not on Spark's class path: run 'make setup' and this"
                " project's own spark-submit, or pass --packages (docs/operations.md)"
            ) from None
        raise
    return spark
