"""Runs streaming queries in one Spark application until it is asked to stop, each under a watch.

Knows no query: who calls says which (`streaming.app` for several, `streaming.query.run_alone` for one).
"""

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from types import FrameType

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from common.config import Config
from common.config_load import load_config
from common.errors import StylestreamError
from common.session import PARSE_ONCE, build_session
from streaming.watch import Watch

Start = Callable[[SparkSession, Config], StreamingQuery]
Starts = Mapping[str, Start]  # by the query's name


def run(config: Config, starts: Starts, extra: Mapping[str, str] = PARSE_ONCE) -> None:
    """Runs the queries until SIGTERM or Ctrl-C; then stops them after their current micro-batch.

    `extra`: properties of the session.
    """
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    previous = {s: signal.signal(s, ask_to_stop) for s in (signal.SIGTERM, signal.SIGINT)}
    spark = build_session(config, "stylestream-stream", dict(extra))
    try:
        watch_until(stop, spark, config, starts)
    finally:
        spark.stop()
        for number, handler in previous.items():
            signal.signal(number, handler)


def watch_until(stop: threading.Event, spark: SparkSession, config: Config, starts: Starts) -> None:
    """Starts the queries and looks at each every second, until `stop`."""
    watches = [Watch(name, partial(start, spark, config), config) for name, start in starts.items()]
    try:
        while not stop.is_set():
            for watch in watches:
                watch.look()
            stop.wait(1.0)
    finally:
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
