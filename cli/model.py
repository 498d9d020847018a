"""`stylestream model`: which models there are, and which is served to whom."""

from collections.abc import Callable
from typing import TypeVar, get_args

import click
from pyspark.sql import SparkSession

from batch import canary, models, pointer, registry
from batch.canary_clicks import since_the_canary
from batch.entry import session
from batch.pointers import POINTERS
from cli.model_table import HEAD, HEAD_OTHERS, als_row, echo_table, other_rows
from cli.options import settings, with_config
from common.config import Config
from common.errors import StylestreamError
from common.models.canary import Canary

R = TypeVar("R")

kind_option = click.option(
    "--kind",
    type=click.Choice(get_args(registry.Kind)),
    default="als",
    show_default=True,
    help="Which model: recommendations, click-through, session index, related items.",
)


@click.group()
def model() -> None:
    """List, promote or roll back published models."""


@model.command("list")
@with_config
def list_models(config: Config) -> None:
    """Every training of each kind, newest first: live, canary, kept, refused or retired, and how well it did.

    While a canary runs, also the click-through of both.
    """

    def read(spark: SparkSession) -> tuple[list[registry.Run], dict[str, tuple[int, int]], list[tuple[str, ...]]]:
        others = [row for kind in POINTERS for row in other_rows(spark, config, kind)]
        return registry.runs(spark, config), since_the_canary(spark, config), others

    found, clicks, others = _in_session(config, read)
    if not found and not others:
        click.echo("no models yet: run 'stylestream batch als'")
        return
    live, beside = models.live_version(config), canary.running(config)
    status = {beside.version: f"canary {100 * beside.share:.3g} %"} if beside else {}
    status[live] = "live"
    echo_table([HEAD, *[als_row(run, status) for run in found]])
    if beside:
        both = (_clicked(name, *clicks.get(one, (0, 0))) for name, one in (("live", live), ("canary", beside.version)))
        click.echo(f"for-you since the canary began: {', '.join(both)}")
    if others:
        click.echo()
        echo_table([HEAD_OTHERS, *others])


@model.command()
@click.argument("version")
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    help="Of the users, e.g. 0.1: VERSION is the canary, the live one stays for the others.",
)
@kind_option
@with_config
def promote(config: Config, version: str, share: float, kind: registry.Kind) -> None:
    """Serve VERSION, one of those kept; its lists are written to Redis again. Any other canary is over."""
    if kind != "als":
        if share < 1:
            raise StylestreamError(f"only 'als' has canaries: promote the {kind} version for all")
        holds = _in_session(config, lambda spark: pointer.promote(spark, config, POINTERS[kind], version))
        click.echo(f"{kind} {version} is live: {holds}")
        return
    users = _in_session(config, lambda spark: models.promote(spark, config, version, share=share))
    if share < 1:
        click.echo(f"model {Canary(version, share)} is the canary, {models.live_version(config)} stays live")
    else:
        click.echo(f"model {version} is live for {users} users")


@model.command()
@click.argument("version", default="")
@kind_option
@with_config
def rollback(config: Config, version: str, kind: registry.Kind) -> None:
    """End the canary; without one, serve the version that was live before the present one.

    With VERSION, that one, if it was live before. What is trained from now on is kept, not served, until you promote a
    version.
    """
    if kind != "als":
        now = _in_session(config, lambda spark: pointer.rollback(spark, config, POINTERS[kind], version))
        click.echo(f"{kind} {now} is live again")
        return
    live, over = _in_session(config, lambda spark: models.rollback(spark, config, version))
    click.echo(f"the canary {over} is over, model {live} stays live" if over else f"model {live} is live again")


def _in_session(config: Config, work: Callable[[SparkSession], R]) -> R:
    click.echo("asking the lake: Spark starts, some half a minute on two cores …", err=True)
    with session(config, "model", settings().spark_log(config, "model")) as spark:
        return work(spark)


def _clicked(name: str, exposures: int, hits: int) -> str:
    return f"{name} {hits / exposures:.2%} of {exposures} exposures clicked" if exposures else f"{name} not exposed yet"
