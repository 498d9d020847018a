"""Which models there are and which is served: a Delta table of runs a kind of model, and `model_pointer` for all.

`als_runs`, `ctr_runs`, `session_runs`, `related_runs`: version, started, finished, events_version, parameters (JSON),
metrics (JSON), status, one row a training. Status: `trained` (written, not yet published), `published`, `refused` (by
the quality gate), `retired` (its keys and parts are gone).
`model_pointer`: version, moved_at, reason, share, kind, one row a move of a pointer (`publish`, `promote`, `rollback`)
or of the canary (`canary` for a `share` of the users, `canary-over`); rows without a kind are of `als`. The keys in
Redis are what serving reads, this is their history. Whatever moves the pointer of `als` ends the canary. After a
rollback (of the canary too) new versions are kept and not served, until somebody promotes one (`held`).

What decides anything reads all rows (`statuses`, `published`, `moves`, `find_run`); `runs` is cut off, for people.
"""

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal, NamedTuple

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from batch.tables import append
from common.config import Config
from common.errors import StylestreamError
from common.sources.lake import exists, read_table, table_path

Kind = Literal["als", "ctr", "sessions", "related"]
RUNS: dict[Kind, str] = {"als": "als_runs", "ctr": "ctr_runs", "sessions": "session_runs", "related": "related_runs"}
POINTER = "model_pointer"
RUN_COLUMNS = (
    "version string, started timestamp, finished timestamp, events_version bigint,"
    " parameters string, metrics string, status string"
)
POINTER_COLUMNS = "version string, moved_at timestamp, reason string, share double, kind string"
NEWEST = 200  # rows of a kind that are listed, beside those of what is kept

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


def version_name(moment: datetime | None = None) -> str:
    """A version's name: its UTC time (now) to the microsecond, so that names sort by age, also among those from before,
    which end with the second; and some chance, as another process may begin at the same time."""
    time = datetime.now(timezone.utc) if moment is None else moment.astimezone(timezone.utc)
    return f"{time:%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"


def record(spark: SparkSession, config: Config, run: Run, kind: Kind = "als") -> None:
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
    append(spark.createDataFrame([row], RUN_COLUMNS).coalesce(1), config, RUNS[kind])


def set_status(
    spark: SparkSession, config: Config, versions: Collection[str], status: Status, kind: Kind = "als"
) -> None:
    """Changes the status of these versions."""
    if versions and exists(spark, config, RUNS[kind]):
        table = DeltaTable.forPath(spark, table_path(config, RUNS[kind]))
        table.update(F.col("version").isin(*versions), {"status": F.lit(status)})


def statuses(spark: SparkSession, config: Config, kind: Kind = "als") -> dict[str, Status]:
    """What has become of every training there was, by version, newest first."""
    if not exists(spark, config, RUNS[kind]):
        return {}
    rows = read_table(spark, config, RUNS[kind]).select("version", "status").orderBy(F.col("version").desc()).collect()
    return {row["version"]: row["status"] for row in rows}


def published(spark: SparkSession, config: Config, kind: Kind = "als") -> list[str]:
    """Every version that is kept and may be served, newest first."""
    return [version for version, status in statuses(spark, config, kind).items() if status == "published"]


def surplus(versions: Sequence[str], kept: Collection[str], number: int, also: Collection[str]) -> list[str]:
    """Those of `versions` (newest first) that are to go: all but the newest `number` of the `kept`, as many of the
    others (a run beside this one may be writing its version, or was killed), and those of `also`."""
    may_serve = [version for version in versions if version in kept]
    others = [version for version in versions if version not in kept]
    stay = {*may_serve[:number], *others[:number], *also}
    return [version for version in versions if version not in stay]


def runs(spark: SparkSession, config: Config, kind: Kind = "als", newest: int = NEWEST) -> list[Run]:
    """The newest trainings and those whose versions are kept, newest first."""
    known = statuses(spark, config, kind)
    listed = [one for n, (one, status) in enumerate(known.items()) if n < newest or status == "published"]
    return _read_runs(spark, config, listed, kind) if listed else []


def find_run(spark: SparkSession, config: Config, version: str, kind: Kind = "als") -> Run | None:
    """The training of a version, however old; None where it is not in the table."""
    found = _read_runs(spark, config, [version], kind) if exists(spark, config, RUNS[kind]) else []
    return found[0] if found else None


def _read_runs(spark: SparkSession, config: Config, versions: Sequence[str], kind: Kind) -> list[Run]:
    table = read_table(spark, config, RUNS[kind]).select(*Run.__dataclass_fields__)
    rows = table.where(F.col("version").isin(*versions)).orderBy(F.col("version").desc()).collect()
    return [_run(row.asDict()) for row in rows]


def _run(row: dict[str, Any]) -> Run:
    # Spark gives naive local times.
    utc = {name: row[name].astimezone(timezone.utc) for name in ("started", "finished")}
    return Run(**(row | utc))


def record_move(
    spark: SparkSession,
    config: Config,
    version: str,
    reason: Reason,
    share: float | None = None,
    kind: Kind = "als",
) -> None:
    """Adds a row for a move of a pointer or of the canary."""
    row = (version, datetime.now(timezone.utc), reason, share, kind)
    frame = spark.createDataFrame([row], POINTER_COLUMNS).coalesce(1)
    # Tables from before there were canaries have no share, from before other kinds had a history no kind.
    frame.write.format("delta").mode("append").option("mergeSchema", True).save(table_path(config, POINTER))


def note_served(spark: SparkSession, config: Config, served: str, kind: Kind = "als") -> None:
    """Notes what `with_served` adds to the history."""
    history = moves(spark, config, kind)
    for unnoted in with_served(history, served)[len(history) :]:
        record_move(spark, config, unnoted.version, unnoted.reason, kind=kind)


def moves(spark: SparkSession, config: Config, kind: Kind = "als") -> list[Move]:
    """Every move, oldest first."""
    if not exists(spark, config, POINTER):
        return []
    table = read_table(spark, config, POINTER)
    of = F.coalesce("kind", F.lit("als")) if "kind" in table.columns else F.lit("als")
    found = [row.asDict() for row in table.where(of == kind).drop("kind").orderBy("moved_at").collect()]
    # Spark gives naive local times.
    return [Move(**(row | {"moved_at": row["moved_at"].astimezone(timezone.utc)})) for row in found]


def with_served(history: Sequence[Move], served: str) -> list[Move]:
    """The history up to `served`, the version that the pointer names: it ends with another where moves were not noted
    yet, and after a crash between a move and its note. Otherwise nobody could go back to it."""
    if not served or served == next(reversed(lived(history)), ""):
        return [*history]
    return [*history, Move(served, datetime.now(timezone.utc), "publish")]


def held(history: Sequence[Move]) -> bool:
    """Whether somebody has rolled back since anything was promoted: what is trained now is not to be served."""
    return bool(history) and history[-1].reason in ("rollback", "canary-over")


def kept_back(live: str) -> str:
    """What has become of a new version while the kind is `held`, in words."""
    return f"is kept, not served: rolled back to {live or 'none'}; promote it by hand"


def live(spark: SparkSession, config: Config, kind: Kind = "als") -> str:
    """The version that was live last by the history, whatever Redis says; empty without one."""
    return next(reversed(lived(moves(spark, config, kind))), "")


def earlier(history: Sequence[Move], kept: Collection[str], to: str = "") -> str:
    """The version that a rollback serves: `to`, else the one before; it must have been live, and be kept."""
    before = [version for version in lived(history)[:-1] if version in kept]
    if to and to not in before:
        were = ", ".join(before) or "none"
        raise StylestreamError(f"'{to}' was not live before the present one, or is not kept; those that were: {were}")
    if not before:
        raise StylestreamError("there is no earlier model to go back to: see 'stylestream model list'")
    return to or before[-1]


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
