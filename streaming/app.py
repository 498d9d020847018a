"""Runs streaming queries in one Spark application, watches them, restarts what fails.

All of them by default (fused: one driver, one set of cores); on a cluster each may run as its own
`spark-submit streaming/<name>.py --conf FILE`. That is configuration, not code.
"""

import argparse
import signal
import sys
import threading
from functools import partial
from types import FrameType

from pyspark.sql import SparkSession

from common.config import Config
from common.config_load import load_config
from common.errors import StylestreamError
from common.session import PARSE_ONCE, build_session
from streaming import catalog, facts, lake
from streaming.watch import Watch

QUERIES = {facts.NAME: facts.start, lake.NAME: lake.start, catalog.NAME: catalog.start}


def run(config: Config, names: list[str]) -> None:
    """Runs the named queries until SIGTERM or Ctrl-C; then stops them after their current micro-batch."""
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    previous = {s: signal.signal(s, ask_to_stop) for s in (signal.SIGTERM, signal.SIGINT)}
    spark = build_session(config, "stylestream-stream", PARSE_ONCE)
    try:
        watch_until(stop, spark, config, names)
    finally:
        spark.stop()
        for number, handler in previous.items():
            signal.signal(number, handler)


def watch_until(stop: threading.Event, spark: SparkSession, config: Config, names: list[str]) -> None:
    """Starts the queries and looks at each every second, until `stop`."""
    watches = [Watch(name, partial(QUERIES[name], spark, config), config) for name in names]
    try:
        while not stop.is_set():
            for watch in watches:
                watch.look()
            stop.wait(1.0)
    finally:
        for watch in watches:
            watch.stop()


def main(names: list[str] | None = None) -> None:
    """`spark-submit streaming/app.py --conf FILE [NAME…]`; with `names` given, those."""
    parser = argparse.ArgumentParser(description="Runs Stylestream's streaming queries.")
    parser.add_argument("--conf", help="configuration file (default: conf/local.yaml)")
    if names is None:
        parser.add_argument("names", nargs="*", choices=[*QUERIES, []], help="queries to run")
    arguments = parser.parse_args()
    try:
        config = load_config(arguments.conf)
        run(config, names or arguments.names or list(config.streaming.queries))
    except StylestreamError as error:
        sys.exit(f"stylestream: {error}")


if __name__ == "__main__":
    main()
