"""The table of streaming queries, and the application that runs several of them.

All by default (fused: one driver, one set of cores); on a cluster each may run as its own
`spark-submit streaming/<name>.py --conf FILE`. That is configuration, not code.
"""

from collections.abc import Iterable
from pathlib import Path

from common.config import Config
from common.session import PARSE_ONCE, UNOPTIMISED
from streaming import catalog, facts, lake
from streaming.run import Starts, run_script, script_arguments
from streaming.run import run as run_queries

QUERIES = {facts.NAME: facts.start, lake.NAME: lake.start, catalog.NAME: catalog.start}


def named(names: Iterable[str]) -> Starts:
    """The queries of these names."""
    return {name: QUERIES[name] for name in names}


def run(config: Config, names: list[str], unoptimised: bool = False, spark_log: Path | None = None) -> None:
    """Runs the named queries until SIGTERM or Ctrl-C; then stops them after their current micro-batch.

    `unoptimised`: without the JVM's optimising compiler; `spark_log`: see `streaming.run.run`.
    """
    run_queries(config, named(names), PARSE_ONCE | (UNOPTIMISED if unoptimised else {}), spark_log)


def main() -> None:
    """`spark-submit streaming/app.py --conf FILE [NAME…]`."""
    parser = script_arguments()
    parser.add_argument("names", nargs="*", choices=[*QUERIES, []], help="queries to run")
    arguments = parser.parse_args()
    run_script(arguments.conf, lambda config: named(arguments.names or config.streaming.queries))


if __name__ == "__main__":
    main()
