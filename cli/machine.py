"""`stylestream setup` and `stylestream doctor`: what the machine must have."""

import time

import click

from cli.options import Settings, with_settings
from common.jars import cache_dir


@click.command()
@with_settings
def setup(given: Settings) -> None:
    """Download Spark's connectors and the Kafka broker into the cache; prepare this venv's spark-submit."""
    from local.jars import fetch
    from local.spark_defaults import write_spark_defaults

    began = time.monotonic()
    fetch(click.echo)
    click.echo(f"jars are in {cache_dir()} ({time.monotonic() - began:.0f} s)")
    written = write_spark_defaults()
    click.echo(f"spark-submit is prepared by {written}" if written else "spark-submit is left as it is")


@click.command()
@with_settings
def doctor(given: Settings) -> None:
    """Check what the platform needs here, and say how to mend what is not fit."""
    from local.doctor import examine

    findings = examine(given.conf)
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark = click.style("ok  ", fg="green") if finding.ok else click.style("FAIL", fg="red")
        click.echo(f"{mark}  {finding.name:<{width}}  {finding.what}")
        if not finding.ok:
            click.echo(f"      {'':<{width}}  -> {finding.mend}")
    if not all(finding.ok for finding in findings):
        raise SystemExit(3)
