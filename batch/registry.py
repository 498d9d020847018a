"""Which models there are and which is served: Delta tables `als_runs` and `model_pointer`.

`als_runs`: version, started, finished, events_version, parameters (JSON), metrics (JSON), status, one row
a training. Status: `trained` (written, not yet published), `published`, `refused` (by the quality gate),
`retired` (its keys and parts are gone).
`model_pointer`: version, moved_at, reason, share, one row a move of the pointer (`publish`, `promote`, `rollback`) or
of the canary (`canary` for a `share` of the users, `canary-over`); the keys in Redis are what serving reads, this is
their history. Whatever moves the pointer ends the canary.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal, NamedTuple

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from batch.tables import append
from common.config import Config
from common.sources.lake import exists, read_table, table_path

RUNS = "als_runs"
POINTER = "model_pointer"
RUN_COLUMNS = (
    "version string, started timestamp, finished timestamp, events_version bigint,"
    " parameters string, metrics string, status string"
)
POINTER_COLUMNS = "version string, moved_at timestamp, reason string, share double"
NEWEST = 200  # rows of either table that are looked at

Status = Literal["trained", "published", "refused", "retired"]
Reason = Literal["publish", "promote", "rollback", "canary", "canary-over"]


@dataclass(frozen=True)
class Run:
    """One training; `parameters` and `metrics` are JSON."""

    version: str
    started: datetime
    finished: datetime
    events_version: int
    parameters: str
    metrics: str
    status: Status


class Move(NamedTuple):
    """A row of `model_pointer`; `share` is that of a canary."""

    version: str
    moved_at: datetime
    reason: Reason
    share: float | None = None


def version_name(moment: datetime) -> str:
    """A model's name: its UTC time, so that names sort by age."""
    return moment.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%S")


def record(spark: SparkSession, config: Config, run: Run) -> None:
    """Adds a row for a training."""
    row = (
        run.version,
        run.started,
        run.finished,
        run.events_version,
        run.parameters,
        run.metrics,
        run.status,
    )
    append(spark.createDataFrame([row], RUN_COLUMNS).coalesce(1), config, RUNS)


def set_status(spark: SparkSession, config: Config, version: str, status: Status) -> None:
    """Changes the status of one version."""
    table = DeltaTable.forPath(spark, table_path(config, RUNS))
    table.update(F.col("version") == F.lit(version), {"status": F.lit(status)})


def runs(spark: SparkSession, config: Config) -> list[Run]:
    """The newest trainings, newest first."""
    if not exists(spark, config, RUNS):
        return []
    rows = read_table(spark, config, RUNS).orderBy(F.col("version").desc()).limit(NEWEST).collect()
    return [_run(row.asDict()) for row in rows]


def _run(row: dict[str, Any]) -> Run:
    # Spark gives naive local times.
    utc = {name: row[name].astimezone(timezone.utc) for name in ("started", "finished")}
    return Run(**(row | utc))


def record_move(spark: SparkSession, config: Config, version: str, reason: Reason, share: float | None = None) -> None:
    """Adds a row for a move of the pointer or of the canary."""
    row = spark.createDataFrame([(version, datetime.now(timezone.utc), reason, share)], POINTER_COLUMNS).coalesce(1)
    # Tables from before there were canaries have no share.
    row.write.format("delta").mode("append").option("mergeSchema", True).save(table_path(config, POINTER))


def moves(spark: SparkSession, config: Config) -> list[Move]:
    """The newest moves, oldest first."""
    if not exists(spark, config, POINTER):
        return []
    rows = read_table(spark, config, POINTER).orderBy(F.col("moved_at").desc()).limit(NEWEST).collect()
    found = [row.asDict() for row in reversed(rows)]
    # Spark gives naive local times.
    return [Move(**(row | {"moved_at": row["moved_at"].astimezone(timezone.utc)})) for row in found]


def running_canary(history: Sequence[Move]) -> Move | None:
    """The start of the canary that has not ended; None without one."""
    return history[-1] if history and history[-1].reason == "canary" else None


def lived(history: Iterable[Move]) -> list[str]:
    """The versions that a rollback walks back through, the one that is live last.

    Publishing or promoting puts a version on top; a rollback takes the top off, so that two rollbacks
    go back two versions rather than to and fro. A canary is not live.
    """
    stack: list[str] = []
    for version, _, reason, _ in history:
        if reason in ("canary", "canary-over"):
            continue
        if reason == "rollback" and version in stack[:-1]:
            while stack[-1] != version:
                stack.pop()
        elif not stack or stack[-1] != version:
            stack.append(version)
    return stack
