"""`stylestream stream`: runs streaming queries in the foreground."""

import click

from cli.options import settings, with_config
from common.config import Config

QUERIES = ("facts", "lake", "catalog")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(QUERIES), metavar="[NAME]...")
@click.option("--unoptimised", is_flag=True, help="No optimising compiler in the JVM: less CPU for small, seldom work.")
@with_config
def stream(config: Config, names: tuple[str, ...], unoptimised: bool) -> None:
    """Run streaming queries until Ctrl-C: all that the configuration names, or those given (facts, lake,
    catalog), in one Spark application."""
    from streaming.app import run

    queries = list(names or config.streaming.queries)
    run(config, queries, unoptimised, settings().spark_log(config, "-".join(["stream", *queries])))
