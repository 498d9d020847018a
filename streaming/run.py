"""Runs streaming queries in one Spark application until it is asked to stop, each under a watch.

Knows no query: who calls says which (`streaming.app` for several, `streaming.query.run_alone` for one).
"""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import FrameType

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from common.config import Config
from common.config_load import load_config
from common.errors import StylestreamError
from common.lease import Lease, held
from common.session import PARSE_ONCE, build_session
from common.spark_log import started_into
from streaming.watch import Watch

Start = Callable[[SparkSession, Config], StreamingQuery]
Starts = Mapping[str, Start]  # by the query's name


def run(config: Config, starts: Starts, extra: Mapping[str, str] = PARSE_ONCE, spark_log: Path | None = None) -> None:
    """Runs the queries until SIGTERM or Ctrl-C; then stops them after their current micro-batch. What fails after that
    is no error: whoever stops a unit of systemd or a group of processes stops the JVM as well.

    `extra`: properties of the session; `spark_log`: the file that Spark's own log goes to, else stderr.
    `StylestreamError` where one of the queries runs elsewhere, at the start or when another has taken it over.
    """
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    previous = {s: signal.signal(s, ask_to_stop) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        with ExitStack() as stack:
            leases = [stack.enter_context(held(config, lease_name(name))) for name in starts]
            spark = _session_unless(stop, config, extra, spark_log)
            if spark is not None:
                stack.callback(spark.stop)
                watch_until(stop, spark, leases, starts)
    except Exception:
        if not stop.is_set():
            raise
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _session_unless(
    stop: threading.Event, config: Config, extra: Mapping[str, str], spark_log: Path | None
) -> SparkSession | None:
    """A session; None where it did not come to one after `stop`."""
    with started_into(spark_log):
        try:
            return build_session(config, "stylestream-stream", dict(extra))
        except Exception:
            if not stop.is_set():
                raise
            return None


def lease_name(query: str) -> str:
    """What the lease of a query's one writer is called."""
    return f"stream {query}"


def watch_until(stop: threading.Event, spark: SparkSession, leases: Sequence[Lease], starts: Starts) -> None:
    """Starts the queries, each under its lease, and looks at each every second, until `stop`. `StylestreamError` where
    another has taken one over."""
    under = zip(starts.items(), leases, strict=True)
    watches = [Watch(name, partial(start, spark, lease.config), lease.config) for (name, start), lease in under]
    try:
        while not stop.is_set():
            for lease in leases:
                lease.check()
            for watch in watches:
                watch.look()
            stop.wait(1.0)
    finally:
        # A micro-batch that is under way is broken off: what its callback meets then is no error.
        logging.getLogger("py4j").setLevel(logging.CRITICAL + 1)
        for watch in watches:
            watch.stop()


def script_arguments() -> argparse.ArgumentParser:
    """What every streaming script of `spark-submit` takes."""
    parser = argparse.ArgumentParser(description="Runs Stylestream's streaming queries.")
    parser.add_argument("--conf", help="configuration file (default: conf/local.yaml)")
    return parser


def run_script(conf: str | None, chosen: Callable[[Config], Starts]) -> None:
    """Loads the configuration and runs what is chosen of it; an error is one line on stderr and exit code 1."""
    try:
        config = load_config(conf)
        run(config, chosen(config))
    except StylestreamError as error:
        sys.exit(f"stylestream: {error}")
