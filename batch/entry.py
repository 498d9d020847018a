"""What every batch job does when it is started: read the configuration, build the session, run, stop.

`spark-submit batch/NAME.py --conf FILE` and `stylestream batch NAME` both end here.
"""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from pyspark.sql import SparkSession

from batch.outcome import Outcome
from common.config import Config
from common.config_load import load_config
from common.damaged import damaged
from common.errors import StylestreamError
from common.lease import held
from common.session import UNOPTIMISED, build_session
from common.sources.lake import EVENTS, table_path
from common.spark_log import started_into

Job = Callable[[SparkSession, Config], Outcome]
SESSION = {"spark.cleaner.referenceTracking.cleanCheckpoints": "true"}
LITTLE_BYTES = 16 * 2**20  # a job on less is short


def execute(name: str, job: Job, config: Config, spark_log: Path | None = None) -> Outcome:
    """Runs `job` in a session of its own, which ends with it; for `spark_log` see `session`. `StylestreamError` where
    the same job runs elsewhere.

    A lake on a local disk that has no events yet is told without starting Spark: the schedule asks often.
    """
    if "://" not in config.lake_path and not Path(table_path(config, EVENTS), "_delta_log").is_dir():
        return Outcome("no-data", f"0 events in the lake {config.lake_path}")
    with held(config, f"batch {name}") as lease, session(config, name, spark_log, little(config)) as spark:
        try:
            return job(spark, lease.config)
        except Exception as error:
            lease.check()
            if found := damaged(lease.config):
                raise StylestreamError(found) from error
            raise


@contextmanager
def session(config: Config, name: str, spark_log: Path | None = None, short: bool = False) -> Iterator[SparkSession]:
    """A Spark session for a job, stopped at the end. Spark's log goes to the file `spark_log`, else to stderr.

    `short`: it will not last, so the JVM does without its optimising compiler. A failure that is not ours to explain
    names that file on stderr.
    """
    with started_into(spark_log):
        spark = build_session(config, f"stylestream-{name}", SESSION | (UNOPTIMISED if short else {}))
    try:
        yield spark
    except StylestreamError:
        raise
    except Exception:
        if spark_log is not None:
            click.echo(f"Spark's log: {spark_log}", err=True)
        raise
    finally:
        spark.stop()


def little(config: Config) -> bool:
    """Whether the lake is on a local disk and has few events yet."""
    if "://" in config.lake_path:
        return False
    found = 0
    for file in Path(table_path(config, EVENTS)).rglob("*.parquet"):
        with suppress(FileNotFoundError):  # a vacuum was faster
            found += file.stat().st_size
    return found < LITTLE_BYTES


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
