"""`stylestream model`: which models there are, and which is served to whom."""

import json
from collections.abc import Callable, Mapping
from typing import TypeVar

import click
from pyspark.sql import SparkSession

from batch import canary, models, registry
from batch.canary_clicks import since_the_canary
from batch.entry import session
from cli.options import settings, with_config
from common.config import Config
from common.models.canary import Canary

R = TypeVar("R")
HEAD = ("VERSION", "STATUS", "NDCG@10", "POPULARITY", "LIFT", "USERS", "ITEMS", "EVENTS", "TRAINED AT")


@click.group()
def model() -> None:
    """List, promote or roll back published models."""


@model.command("list")
@with_config
def list_models(config: Config) -> None:
    """Every training, newest first: live, canary, kept, refused or retired, and how well it did.

    While a canary runs, also the click-through of both.
    """
    found, clicks = _in_session(config, lambda spark: (registry.runs(spark, config), since_the_canary(spark, config)))
    if not found:
        click.echo("no models yet: run 'stylestream batch als'")
        return
    live, beside = models.live_version(config), canary.running(config)
    status = {beside.version: f"canary {100 * beside.share:.3g} %"} if beside else {}
    status[live] = "live"
    rows = [HEAD, *[_row(run, status) for run in found]]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEAD))]
    for row in rows:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    if beside:
        both = (_clicked(name, *clicks.get(one, (0, 0))) for name, one in (("live", live), ("canary", beside.version)))
        click.echo(f"for-you since the canary began: {', '.join(both)}")


@model.command()
@click.argument("version")
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    help="Of the users, e.g. 0.1: VERSION is the canary, the live one stays for the others.",
)
@with_config
def promote(config: Config, version: str, share: float) -> None:
    """Serve VERSION, one of those kept; its lists are written to Redis again. Any other canary is over."""
    users = _in_session(config, lambda spark: models.promote(spark, config, version, share=share))
    if share < 1:
        click.echo(f"model {Canary(version, share)} is the canary, {models.live_version(config)} stays live")
    else:
        click.echo(f"model {version} is live for {users} users")


@model.command()
@with_config
def rollback(config: Config) -> None:
    """End the canary; without one, serve the version that was live before the present one."""
    version, over = _in_session(config, lambda spark: models.rollback(spark, config))
    click.echo(f"the canary {over} is over, model {version} stays live" if over else f"model {version} is live again")


def _in_session(config: Config, work: Callable[[SparkSession], R]) -> R:
    with session(config, "model", settings().spark_log(config, "model")) as spark:
        return work(spark)


def _row(run: registry.Run, served: Mapping[str, str]) -> tuple[str, ...]:
    metrics = json.loads(run.metrics)
    status = served.get(run.version) or {"published": "kept"}.get(run.status, run.status)
    lift = "-" if metrics["lift"] is None else f"{metrics['lift']:.2f}"
    ours = metrics[metrics.get("published", "als")]  # runs of older versions know ALS only
    quality = f"{ours['ndcg']:.4f}", f"{metrics['popularity']['ndcg']:.4f}", lift
    sizes = str(metrics["users"]), str(metrics["items"]), str(run.events_version)
    return run.version, status, *quality, *sizes, f"{run.finished:%Y-%m-%d %H:%M:%S}"


def _clicked(name: str, exposures: int, hits: int) -> str:
    return f"{name} {hits / exposures:.2%} of {exposures} exposures clicked" if exposures else f"{name} not exposed yet"
