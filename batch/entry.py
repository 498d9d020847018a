"""What every batch job does when it is started: read the configuration, build the session, run, stop.

`spark-submit batch/NAME.py --conf FILE` and `stylestream batch NAME` both end here.
"""

import logging
import sys
from collections.abc import Callable

import click
from pyspark.sql import SparkSession

from batch.outcome import Outcome
from common.config import Config
from common.config_load import load_config
from common.errors import StylestreamError
from common.session import build_session

Job = Callable[[SparkSession, Config], Outcome]
SESSION = {"spark.cleaner.referenceTracking.cleanCheckpoints": "true"}


def execute(name: str, job: Job, config: Config) -> Outcome:
    """Runs `job` in a session of its own, which ends with it."""
    spark = build_session(config, f"stylestream-{name}", SESSION)
    try:
        return job(spark, config)
    finally:
        spark.stop()


def run_job(name: str, job: Job, arguments: list[str] | None = None) -> None:
    """The main of a job: one line on stdout, or one on stderr; the exit codes of `batch.outcome`."""

    @click.command(name, help=f"Run the batch job '{name}'.")
    @click.option("--conf", metavar="FILE", help="Configuration file (default: conf/local.yaml).")
    def main(conf: str | None) -> None:
        logging.basicConfig(level=logging.WARNING)
        try:
            outcome = execute(name, job, load_config(conf))
        except StylestreamError as error:
            click.echo(f"stylestream: {error}", err=True)
            sys.exit(error.exit_code)
        click.echo(f"{name}: {outcome.message}")
        sys.exit(outcome.exit_code)

    main(arguments)
