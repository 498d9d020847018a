"""What every streaming query shares: how it starts, and how it runs as a job of its own."""

from collections.abc import Callable
from importlib import import_module

from pyspark.sql import DataFrame
from pyspark.sql.streaming.query import StreamingQuery

from common.config import Config
from streaming.run import Start, run_script, script_arguments
from streaming.same_topics import check_topics


def checkpoint(config: Config, name: str) -> str:
    """Where a query keeps its offsets and state: deleting it makes the query start anew."""
    return f"{config.checkpoint_path.rstrip('/')}/{name}"


def start_query(
    rows: DataFrame,
    name: str,
    config: Config,
    write: Callable[[DataFrame, int], None],
    trigger: str,
    mode: str = "append",
) -> StreamingQuery:
    """Starts `rows` into `write(batch, batch_id)`, which may see the same batch again after a failure. It
    fails where a topic was deleted and made anew since its last start."""
    place, checked = checkpoint(config, name), False

    def write_checked(batch: DataFrame, batch_id: int) -> None:
        nonlocal checked
        if not checked:
            check_topics(rows.sparkSession, config, name, place)
            checked = True
        write(batch, batch_id)

    writer = rows.writeStream.queryName(name).outputMode(mode).option("checkpointLocation", place)
    return writer.foreachBatch(write_checked).trigger(processingTime=trigger).start()


def run_alone(name: str) -> None:
    """Entry point of `spark-submit streaming/<name>.py --conf FILE`.

    The query is taken from its module by name: the script itself is `__main__`, which executors cannot import.
    """
    start: Start = import_module(f"streaming.{name}").start
    run_script(script_arguments().parse_args().conf, lambda _: {name: start})
