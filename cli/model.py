"""`stylestream model`: which models there are, and which one is served."""

import json
from collections.abc import Callable
from typing import TypeVar

import click
from pyspark.sql import SparkSession

from batch import models, registry
from batch.entry import session
from cli.options import settings, with_config
from common.config import Config

R = TypeVar("R")
HEAD = ("VERSION", "STATUS", "NDCG@10", "POPULARITY", "LIFT", "USERS", "ITEMS", "EVENTS", "TRAINED AT")


@click.group()
def model() -> None:
    """List, promote or roll back published models."""


@model.command("list")
@with_config
def list_models(config: Config) -> None:
    """Every training, newest first: live, kept, refused or retired, and how well it did."""
    found = _in_session(config, lambda spark: registry.runs(spark, config))
    if not found:
        click.echo("no models yet: run 'stylestream batch als'")
        return
    live = models.live_version(config)
    rows = [HEAD, *[_row(run, live) for run in found]]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEAD))]
    for row in rows:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


@model.command()
@click.argument("version")
@with_config
def promote(config: Config, version: str) -> None:
    """Serve VERSION, one of those kept; its lists are written to Redis again."""
    users = _in_session(config, lambda spark: models.promote(spark, config, version))
    click.echo(f"model {version} is live for {users} users")


@model.command()
@with_config
def rollback(config: Config) -> None:
    """Serve the version that was live before the present one."""
    version = _in_session(config, lambda spark: models.rollback(spark, config))
    click.echo(f"model {version} is live again")


def _in_session(config: Config, work: Callable[[SparkSession], R]) -> R:
    with session(config, "model", settings().spark_log(config, "model")) as spark:
        return work(spark)


def _row(run: registry.Run, live: str) -> tuple[str, ...]:
    metrics = json.loads(run.metrics)
    status = "live" if run.version == live else {"published": "kept"}.get(run.status, run.status)
    lift = "-" if metrics["lift"] is None else f"{metrics['lift']:.2f}"
    ours = metrics[metrics.get("published", "als")]  # runs of older versions know ALS only
    quality = f"{ours['ndcg']:.4f}", f"{metrics['popularity']['ndcg']:.4f}", lift
    sizes = str(metrics["users"]), str(metrics["items"]), str(run.events_version)
    return run.version, status, *quality, *sizes, f"{run.finished:%Y-%m-%d %H:%M:%S}"
