"""How a version of a model other than ALS is served, promoted, taken back, restored: the same for each kind.

What differs is in a `Pointer`: `batch.ctr_runs`, `batch.session_versions` and `batch.related_versions` have one each. A
version is written to Redis whole before the pointer moves; then the move is noted in `model_pointer`. ALS has canaries
and its own ways (`batch.models`), but for the `move` itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import SparkSession

from batch import registry
from batch.registry import Kind, Reason
from common.config import Config
from common.errors import StylestreamError

DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError)  # what reading a model that is none may raise


@dataclass(frozen=True)
class Pointer:
    """`live`: the version that is served, '' without one. `there`: versions that could be, newest first. `put` writes
    one to Redis (again) and says in words what it holds; `point` moves the pointer to it. Both raise a
    `StylestreamError` where the version is gone."""

    kind: Kind
    live: Callable[[Config], str]
    there: Callable[[SparkSession, Config], list[str]]
    put: Callable[[SparkSession, Config, str], str]
    point: Callable[[Config, str], None]


def current(spark: SparkSession, config: Config, pointer: Pointer) -> str:
    """The version that is served, or was until Redis lost its pointer; empty without one."""
    return pointer.live(config) or registry.live(spark, config, pointer.kind)


def kept(spark: SparkSession, config: Config, pointer: Pointer) -> list[str]:
    """The versions that may be served, newest first. Without a row are those from before there were runs, and later
    ones of a run that is under way or was killed, which nobody has judged."""
    status = registry.statuses(spark, config, pointer.kind)
    first = min(status, default="")
    there = pointer.there(spark, config)
    return [v for v in there if status.get(v, "published" if not first or v < first else "trained") == "published"]


def serve_new(spark: SparkSession, config: Config, pointer: Pointer, version: str) -> str:
    """A new version, which `put` has written, to everybody; after a rollback to nobody. What it is now, in words."""
    if registry.held(registry.moves(spark, config, pointer.kind)):
        return registry.kept_back(current(spark, config, pointer))
    move(spark, config, pointer, version, "publish")
    return "is live"


def promote(spark: SparkSession, config: Config, pointer: Pointer, version: str, reason: Reason = "promote") -> str:
    """Serves a kept version, written to Redis again; says what it holds."""
    there = kept(spark, config, pointer)
    if version not in there:
        kind, all_kept = pointer.kind, ", ".join(there) or "none"
        status = registry.statuses(spark, config, kind).get(version)
        why = {None: "is unknown", "refused": "was refused", "retired": "is retired"}.get(status, "has vanished")
        raise StylestreamError(f"the {kind} version '{version}' {why}; kept: {all_kept}")
    holds = pointer.put(spark, config, version)
    move(spark, config, pointer, version, reason)
    return holds


def rollback(spark: SparkSession, config: Config, pointer: Pointer, to: str = "") -> str:
    """Serves the version that was live before (or `to`, if it was) and returns it; what is trained from now on waits
    for a `promote`."""
    history = registry.with_served(registry.moves(spark, config, pointer.kind), pointer.live(config))
    version = registry.earlier(history, kept(spark, config, pointer), to)
    promote(spark, config, pointer, version, "rollback")
    return version


def restore(spark: SparkSession, config: Config, pointer: Pointer) -> str:
    """For `rebuild`: what was live, without a row in the history; where that has vanished what was live before it, and
    else the newest kept one. After a rollback never one that was not live: it may be the one taken back."""
    there, history = kept(spark, config, pointer), registry.moves(spark, config, pointer.kind)
    were = reversed(registry.lived(history))
    others = () if registry.held(history) else there
    version = next((one for one in (current(spark, config, pointer), *were, *others) if one in there), "")
    if not version:
        return "not restored: nothing that was live is kept" if there else "none yet"
    try:
        holds = pointer.put(spark, config, version)
    except (StylestreamError, *DAMAGED) as error:  # what cannot be used is no reason to restore nothing else
        return f"not restored: {error}"
    pointer.point(config, version)
    return f"{version}, {holds}"


def move(spark: SparkSession, config: Config, pointer: Pointer, version: str, reason: Reason) -> None:
    """The pointer to `version`, and a row in the history. A rollback is noted first, so that it lasts also where the
    process ends between the two; all else when it is so, and `registry.note_served` makes up for a lost note."""
    served = pointer.live(config)
    if served != version:
        registry.note_served(spark, config, served, pointer.kind)
    if reason != "rollback":
        pointer.point(config, version)
    registry.record_move(spark, config, version, reason, kind=pointer.kind)
    if reason == "rollback":
        pointer.point(config, version)
