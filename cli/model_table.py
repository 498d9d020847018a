"""The tables of `stylestream model list`: a row a training."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from pyspark.sql import SparkSession

from batch import registry
from batch.pointers import POINTERS
from common.config import Config

HEAD = ("VERSION", "STATUS", "NDCG@10", "POPULARITY", "LIFT", "USERS", "ITEMS", "EVENTS", "TRAINED AT")
HEAD_OTHERS = ("KIND", "VERSION", "STATUS", "QUALITY", "EVENTS", "TRAINED AT")
LISTED = 20  # newest runs of a kind other than ALS, beside the kept ones


def echo_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Prints the rows, the first being the head, in columns as wide as they need."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def als_row(run: registry.Run, served: Mapping[str, str]) -> tuple[str, ...]:
    """A row of `HEAD`; `served` says which versions are live or a canary."""
    metrics = json.loads(run.metrics)
    status = served.get(run.version) or {"published": "kept"}.get(run.status, run.status)
    lift = "-" if metrics["lift"] is None else f"{metrics['lift']:.2f}"
    ours = metrics[metrics.get("published", "als")]  # runs of older versions know ALS only
    quality = f"{ours['ndcg']:.4f}", f"{metrics['popularity']['ndcg']:.4f}", lift
    sizes = str(metrics["users"]), str(metrics["items"]), str(run.events_version)
    return run.version, status, *quality, *sizes, f"{run.finished:%Y-%m-%d %H:%M:%S}"


def other_rows(spark: SparkSession, config: Config, kind: registry.Kind) -> list[tuple[str, ...]]:
    """Rows of `HEAD_OTHERS`, newest first."""
    live = POINTERS[kind].live(config)
    rows = list[tuple[str, ...]]()
    for run in registry.runs(spark, config, kind, LISTED):
        status = "live" if run.version == live else {"published": "kept"}.get(run.status, run.status)
        about = str(run.events_version), f"{run.finished:%Y-%m-%d %H:%M:%S}"
        rows.append((kind, run.version, status, QUALITY[kind](json.loads(run.metrics)), *about))
    return rows


def _ctr(metrics: Mapping[str, Any]) -> str:
    return f"AUC {metrics['new']['auc']:.4f}, normalised entropy {metrics['new']['normalized_entropy']:.4f}"


def _sessions(metrics: Mapping[str, Any]) -> str:
    if not metrics["questions"]:
        return "not judged: too few questions"
    return f"Recall@20 {metrics['recall']:.4f}, popularity {metrics['popularity']:.4f}"


def _related(metrics: Mapping[str, Any]) -> str:
    return f"{metrics['lists']} lists"


QUALITY: Mapping[registry.Kind, Callable[[Mapping[str, Any]], str]] = {
    "ctr": _ctr,
    "sessions": _sessions,
    "related": _related,
}
